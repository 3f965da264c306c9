/* base/rc.h - the one result type of every function that can fail.
 * RC_MORE (bytes are missing) differs from RC_MALFORMED (bytes are wrong); results go through
 * trailing out parameters, written only on RC_OK. */
#ifndef BASE_RC_H
#define BASE_RC_H

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))

enum rc {
    RC_OK = 0,
    RC_MORE,        /* correct so far, but bytes are missing */
    RC_MALFORMED,   /* bytes break the grammar */
    RC_INVALID,     /* well formed, but outside the rules (a range, a combination) */
    RC_TOO_BIG,     /* over a named maximum */
    RC_NOMEM,       /* out of memory: this request fails, the program goes on */
    RC_NOT_FOUND,   /* no such thing */
    RC_EXISTS,      /* there is one already */
    RC_CONFLICT,    /* the present state forbids it (in use, changed meanwhile) */
    RC_DENIED,      /* not allowed: signature, right, name or policy does not fit */
    RC_EXPIRED,     /* was right once; its time is over or has not begun */
    RC_UNSUPPORTED, /* understood, but not done here */
    RC_BUSY,        /* a limit is reached now; later may work */
    RC_CLOSED,      /* the other side or the object has closed */
    RC_TIMEOUT,     /* no answer in time */
    RC_IO,          /* the system refused: disk, network, library */
};

/* A short lower-case word for logs ("malformed"); never NULL. */
const char *rc_name(enum rc rc);

#endif
