/* phone/agent.h - a phone at work: one loop that carries out what the line machine (line.h) decides,
 * keeps the tokens fresh, hears the server's pushes, and tells a person what happens, one line an
 * event. Runs until it is stopped by a signal, by the server, or by a problem only a person can
 * cure. */
#ifndef PHONE_AGENT_H
#define PHONE_AGENT_H
#include "base/clock.h"
#include "media/codec.h"
#include "media/srtp.h"
#include "phone/fetch.h"
#include "phone/register.h"
#include "phone/state.h"

struct phone_agent_config {
    const struct phone_state *state; /* locked by the caller */
    struct phone_fetch fetch;
    enum phone_dialect dialect;
    const char *sip_user;             /* Digest: user name; NULL: the configuration's user */
    const char *sip_password_file;    /* NULL: none */
    const char *cert_file, *key_file; /* of the device, for the secure port; NULL: none */
    const char *ca_file; /* without a sign-in; NULL: the sign-in's, else the system's */
    const char *edges[PHONE_NODE_MAX]; /* outer edges for SIP, "host[:port]": the phone is outside;
                                          none and fetch.edge: as that says */
    size_t edge_count;
    const char *device, *server; /* without a sign-in: legacy lines; NULL: the sign-in's */
    bool once_registered;        /* ends well after the first 200 */
    bool keep_trying;
    uint32_t for_s;          /* 0: without end */
    uint32_t backoff_base_s; /* 0: the machine's own */
    const char *script;      /* phone/script.h; NULL: none */
    bool interactive;        /* keys on standard input, calls shown below the log */
    bool auto_answer;        /* calls that come in are answered at once */
    const char *audio;       /* ALSA device; NULL: no sound but files */
    bool srtp_only; /* an encrypted line refuses calls that are not, whatever the server says */
    bool has_codec; /* offer and take codec alone */
    enum media_codec codec;
    enum media_suite suite; /* offer and take it alone; MEDIA_SUITE_NONE: all */
    int log_fd;             /* one line an event; -1: quiet */
    int trace_fd;           /* whole messages, tokens masked; -1: none */
    struct random_source random;
};

/* Blocking; one a process (it takes SIGTERM and SIGINT). PHONE_EXIT_OK or the problem. */
enum phone_exit phone_agent_run(const struct phone_agent_config *config,
                                struct phone_problem *problem);

#endif
