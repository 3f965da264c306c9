/* app/settings.h - what bearlined must know before it can open its store: where its data lie, what
 * it is called, and (for a first start) which ports it begins with. Everything else is in the
 * store and changes live. From the command line and an INI file:
 *
 *   [node]   name = ucm1          short name; default: this machine's
 *            host = ucm1.example.com   the name phones connect to; default: this machine's full name
 *            addresses = 192.0.2.10 2001:db8::10   default: all
 *   [paths]  data = /var/lib/bearline
 *            control = /run/bearline/control.sock
 *   [ports]  sip sips oauth mra config_http config_https https   first start only
 *   [limits] workers connections connections_per_source handshakes idle_s
 *            transactions
 *   [log]    level = info    error, warn, info or debug
 *            trace_mb = 16    messages kept for "trace"; 0: none */
#ifndef APP_SETTINGS_H
#define APP_SETTINGS_H
#include "base/log.h"
#include "store/records.h"

enum { APP_PATH_MAX = 1024, APP_NAME_MAX = 256 };
#define APP_CONTROL_DEFAULT "/run/bearline/control.sock"

struct app_settings {
    char name[APP_NAME_MAX], host[APP_NAME_MAX], addresses[512];
    char data[APP_PATH_MAX], control[APP_PATH_MAX];
    bool is_edge; /* of bearline-edge: [ports] and limits.workers are no settings of it */
    struct store_ports ports;
    unsigned workers; /* 0: one a core */
    uint32_t connections_max, source_max, handshakes_max;
    uint32_t idle_s; /* a SIP connection nobody has registered by may be silent for that long */
    uint32_t transactions_max; /* SIP transactions of one worker at once */
    enum log_level log_level;
    size_t trace_bytes;
};

/* Fills the defaults, the machine's own names among them. */
void app_settings_default(struct app_settings *s);
/* Reads file over what is there. RC_NOT_FOUND, RC_DENIED (cannot be read), RC_MALFORMED; why gets
 * a sentence with file and line. */
MUST_CHECK enum rc app_settings_read(struct app_settings *s, const char *file, char why[512]);
/* One setting, as in the file: section "node", name "host". RC_NOT_FOUND: no such setting;
 * RC_INVALID: the value does not fit. */
MUST_CHECK enum rc app_settings_set(struct app_settings *s, const char *section, const char *name,
                                    const char *value);
/* What was refused and what is right, as a sentence: after RC_NOT_FOUND the settings there are, after
 * RC_INVALID what this one takes. */
void app_settings_why(const struct app_settings *s, const char *section, const char *name,
                      const char *value, char why[512]);

#endif
