/* phone/problem.h - what can go wrong with a phone, told to a person: a sentence that says what
 * happened, where, and what to do, and the exit code scripts go by. The codes are part of the
 * program's manual: a number once given keeps its meaning. Pure; safe from any thread. */
#ifndef PHONE_PROBLEM_H
#define PHONE_PROBLEM_H
#include "base/str.h"

struct http_answer;
struct net_close;

enum phone_exit {
    PHONE_EXIT_OK = 0,
    PHONE_EXIT_FAILED = 1,         /* the phone's own trouble: memory, descriptors */
    PHONE_EXIT_USAGE = 2,          /* the command line */
    PHONE_EXIT_NOT_REGISTERED = 3, /* status: not registered */
    PHONE_EXIT_STATE = 4,          /* the state folder cannot be used */
    PHONE_EXIT_RUNNING = 5,        /* another run uses this profile */
    /* signing in */
    PHONE_EXIT_NOT_SIGNED_IN = 10,
    PHONE_EXIT_SIGN_IN_AGAIN = 11, /* the refresh token is expired, revoked or refused */
    PHONE_EXIT_PASSWORD = 12,      /* wrong user or password */
    PHONE_EXIT_SIGN_IN = 13,       /* the sign-in did not complete */
    PHONE_EXIT_AUTH_SERVER = 14,   /* it answers what no authorization server should */
    /* reaching a server */
    PHONE_EXIT_DNS = 20,
    PHONE_EXIT_UNREACHABLE = 21, /* refused or no way to it */
    PHONE_EXIT_TIMEOUT = 22,
    PHONE_EXIT_UNTRUSTED = 23,    /* certificate of a CA not trusted here */
    PHONE_EXIT_WRONG_NAME = 24,   /* certificate for another name */
    PHONE_EXIT_CERT_EXPIRED = 25, /* or not valid yet */
    PHONE_EXIT_TLS = 26,          /* any other TLS failure */
    PHONE_EXIT_CA_FILE = 27,      /* the file of trusted CAs cannot be read */
    PHONE_EXIT_CLOSED = 28,       /* the connection was lost */
    /* configuration */
    PHONE_EXIT_NO_CONFIG = 30,      /* the server has none for this device */
    PHONE_EXIT_BAD_CONFIG = 31,     /* it cannot be read */
    PHONE_EXIT_CONFIG_REFUSED = 32, /* the server does not give it to us */
    /* the line */
    PHONE_EXIT_FORBIDDEN = 40,     /* 403 */
    PHONE_EXIT_UNKNOWN_LINE = 41,  /* 404 */
    PHONE_EXIT_TOKEN_REFUSED = 42, /* also a fresh one */
    PHONE_EXIT_SIP_PASSWORD = 43,  /* Digest credentials missing or refused */
    PHONE_EXIT_REPLACED = 44,      /* another phone signed in with this device name */
    PHONE_EXIT_REFUSED = 45,       /* any other final answer */
    PHONE_EXIT_UNPROTECTED = 46,   /* a token was asked for on a connection without TLS */
    /* a call of a script */
    PHONE_EXIT_BUSY = 50,
    PHONE_EXIT_NO_ANSWER = 51,
    PHONE_EXIT_DECLINED = 52,
    PHONE_EXIT_NOT_FOUND = 53,      /* no such number */
    PHONE_EXIT_CALL_FORBIDDEN = 54, /* the server does not allow the call */
    PHONE_EXIT_UNACCEPTABLE = 55,   /* no common codec or encryption */
    PHONE_EXIT_CALL_REFUSED = 56,   /* any other refusal */
    PHONE_EXIT_CALL_LOST = 57,      /* it ended without either side's wish */
    PHONE_EXIT_TRANSFER = 58,       /* a transfer, hold or resume failed */
    PHONE_EXIT_SCRIPT = 59,         /* a step could not be done: no call, no file */
    PHONE_EXIT_WAITED = 60,         /* what a step waited for did not come in time */
    PHONE_EXIT_CALL_ENDED = 61,     /* the other side hung up before the script was through */
};

enum { PHONE_PROBLEM_MAX = 768 };

struct phone_problem {
    enum phone_exit code; /* PHONE_EXIT_OK: no problem */
    char text[PHONE_PROBLEM_MAX];
};

/* One row for every code, in order: for the manual and its test. */
struct phone_exit_row {
    enum phone_exit code;
    const char *name;    /* "wrong-name" */
    const char *meaning; /* a few words */
};
const struct phone_exit_row *phone_exit_table(size_t *count);
/* The row's name; "failed" for an unknown number. */
const char *phone_exit_name(enum phone_exit code);

/* Sets code and sentence; control characters in it become '?': a peer's words cannot forge lines
 * of a terminal. Returns code. p may be NULL. */
enum phone_exit phone_problem_set(struct phone_problem *p, enum phone_exit code, const char *fmt,
                                  ...) PRINTF_LIKE(3, 4);
/* An HTTP exchange that gave no answer. doing: "Signing in", "Fetching the configuration". */
enum phone_exit phone_problem_of_http(struct phone_problem *p, const char *doing,
                                      const struct http_answer *answer);
/* A connection to a SIP server that did not open or broke. where: "ucm1:5090". why may be NULL, as
 * after our own close. ca is the trust in use ("/path/ca.pem", or "" for the system's CAs). */
enum phone_exit phone_problem_of_close(struct phone_problem *p, struct str where,
                                       const struct net_close *why, const char *ca);
/* Trying again later cannot cure it: a person must act first. */
bool phone_problem_is_lasting(enum phone_exit code);

#endif
