#include "app/settings.h"

#include "net/addr.h"
#include "siptx/stack.h"

#include <errno.h>
#include <ini.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum kind { TEXT, PORT, NUMBER, LEVEL, MEGABYTES };

static const struct setting {
    const char *section, *name;
    enum kind kind;
    size_t offset, size; /* size: of a text */
    uint32_t min, max;
} settings[] = {
#define TEXT_OF(s, n, f)                                                                           \
    {                                                                                              \
        s, n, TEXT, offsetof(struct app_settings, f), sizeof(((struct app_settings *)0)->f), 0, 0  \
    }
#define PORT_OF(n)                                                                                 \
    {                                                                                              \
        "ports", #n, PORT, offsetof(struct app_settings, ports.n), 0, STORE_PORT_MIN,              \
            STORE_PORT_MAX                                                                         \
    }
#define NUMBER_OF(n, f, lo, hi)                                                                    \
    {                                                                                              \
        "limits", n, NUMBER, offsetof(struct app_settings, f), 0, lo, hi                           \
    }
    TEXT_OF("node", "name", name),
    TEXT_OF("node", "host", host),
    TEXT_OF("node", "addresses", addresses),
    TEXT_OF("paths", "data", data),
    TEXT_OF("paths", "control", control),
    PORT_OF(sip),
    PORT_OF(sips),
    PORT_OF(oauth),
    PORT_OF(mra),
    PORT_OF(config_http),
    PORT_OF(config_https),
    PORT_OF(https),
    NUMBER_OF("workers", workers, 0, 64),
    NUMBER_OF("connections", connections_max, 16, 4000000),
    NUMBER_OF("connections_per_source", source_max, 1, 4000000),
    NUMBER_OF("handshakes", handshakes_max, 1, 100000),
    NUMBER_OF("idle_s", idle_s, 1, 86400),
    NUMBER_OF("transactions", transactions_max, 256, 4000000),
    {"log", "level", LEVEL, offsetof(struct app_settings, log_level), 0, 0, 0},
    {"log", "trace_mb", MEGABYTES, offsetof(struct app_settings, trace_bytes), 0, 0, 1024},
#undef TEXT_OF
#undef PORT_OF
#undef NUMBER_OF
};

static void full_name(char *out, size_t cap, const char *name)
{
    struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *found = NULL;
    snprintf(out, cap, "%s", name);
    if (getaddrinfo(name, NULL, &hints, &found) != 0) return;
    if (found->ai_canonname && found->ai_canonname[0] != '\0')
        snprintf(out, cap, "%s", found->ai_canonname);
    freeaddrinfo(found);
}

void app_settings_default(struct app_settings *s)
{
    char name[APP_NAME_MAX - 1] = "";
    *s = (struct app_settings){
        .data = "/var/lib/bearline",
        .control = APP_CONTROL_DEFAULT,
        .ports = store_ports_default(),
        .connections_max = 200000,
        .source_max = 2000,
        .handshakes_max = 1000,
        .idle_s = 60,
        .transactions_max = SIPTX_TRANSACTIONS_MAX,
        .log_level = LOG_INFO,
        .trace_bytes = 16u << 20,
    };
    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') strcpy(name, "localhost");
    full_name(s->host, sizeof s->host, name);
    name[strcspn(name, ".")] = '\0';
    snprintf(s->name, sizeof s->name, "%s", name);
}

static enum rc level_parse(const char *value, enum log_level *out)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(value, names[i]) == 0) {
            *out = (enum log_level)i;
            return RC_OK;
        }
    return RC_INVALID;
}

/* Empty: all addresses of the machine. What is no address must not come to mean that, too. */
static bool are_addresses(struct str text)
{
    struct net_addr addr;
    struct str part;
    while (str_split(&text, ' ', &part))
        if (part.n > 0 && net_addr_parse_ip(part, 0, &addr) != RC_OK) return false;
    return true;
}

static enum rc setting_apply(struct app_settings *s, const struct setting *d, const char *value)
{
    char *at = (char *)s + d->offset;
    uint64_t number;
    if (d->kind == TEXT) {
        if (strlen(value) >= d->size) return RC_INVALID;
        if (at == s->addresses && !are_addresses(str_from(value))) return RC_INVALID;
        strcpy(at, value);
        return RC_OK;
    }
    if (d->kind == LEVEL) return level_parse(value, (enum log_level *)(void *)at);
    if (str_to_u64(str_from(value), d->max, &number) != RC_OK) return RC_INVALID;
    bool is_off = d->kind == PORT && number == 0; /* which may be, the store knows */
    if (number < d->min && !is_off) return RC_INVALID;
    if (d->kind == PORT) *(int *)(void *)at = (int)number;
    if (d->kind == NUMBER) *(uint32_t *)(void *)at = (uint32_t)number;
    if (d->kind == MEGABYTES) *(size_t *)(void *)at = (size_t)number << 20;
    return RC_OK;
}

static bool is_of(const struct app_settings *s, const struct setting *d)
{
    return !s->is_edge || (d->kind != PORT && strcmp(d->name, "workers") != 0);
}

static const struct setting *find(const struct app_settings *s, const char *section,
                                  const char *name)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(section, settings[i].section) == 0 && strcmp(name, settings[i].name) == 0 &&
            is_of(s, &settings[i]))
            return &settings[i];
    return NULL;
}

enum rc app_settings_set(struct app_settings *s, const char *section, const char *name,
                         const char *value)
{
    const struct setting *d = find(s, section, name);
    return d ? setting_apply(s, d, value) : RC_NOT_FOUND;
}

/* ---- what is wrong ---- */

/* "node, paths ..." for NULL, else the settings of that section; "" where there is no such. */
static void list_names(const struct app_settings *s, const char *section, char *out, size_t cap)
{
    const char *last = "";
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof settings / sizeof *settings && n < cap; i++) {
        const struct setting *d = &settings[i];
        if (!is_of(s, d) || (section && strcmp(section, d->section) != 0)) continue;
        if (!section && strcmp(d->section, last) == 0) continue;
        last = d->section;
        n += (size_t)snprintf(out + n, cap - n, section ? "%s%s" : "%s[%s]", n > 0 ? ", " : "",
                              section ? d->name : d->section);
    }
}

static void explain_name(const struct app_settings *s, const char *section, const char *name,
                         char why[512])
{
    char names[256];
    list_names(s, section, names, sizeof names);
    if (names[0] != '\0') {
        snprintf(why, 512, "there is no setting %.60s in [%.20s]; it has %s.", name, section,
                 names);
        return;
    }
    list_names(s, NULL, names, sizeof names);
    if (section[0] == '\0')
        snprintf(why, 512, "%.60s stands in no section; put it into one of %s.", name, names);
    else
        snprintf(why, 512, "there is no section [%.60s]; there are %s.", section, names);
}

static void explain_value(const struct setting *d, const char *value, char why[512])
{
    char right[128];
    switch (d->kind) {
    case TEXT:
        if (d->offset == offsetof(struct app_settings, addresses))
            snprintf(right, sizeof right, "IP addresses of this machine, parted by blanks");
        else
            snprintf(right, sizeof right, "a text of at most %zu bytes", d->size - 1);
        break;
    case PORT:
        snprintf(right, sizeof right, "a number from %u to %u, or 0: not opened", d->min, d->max);
        break;
    case LEVEL: snprintf(right, sizeof right, "error, warn, info or debug"); break;
    case NUMBER:
    case MEGABYTES: snprintf(right, sizeof right, "a number from %u to %u", d->min, d->max); break;
    }
    snprintf(why, 512, "[%s] %s = %.100s is not possible; it takes %s.", d->section, d->name, value,
             right);
}

void app_settings_why(const struct app_settings *s, const char *section, const char *name,
                      const char *value, char why[512])
{
    const struct setting *d = find(s, section, name);
    if (d)
        explain_value(d, value, why);
    else
        explain_name(s, section, name, why);
}

/* ---- the file ---- */

struct reading {
    struct app_settings *s;
    char why[512]; /* the first setting refused */
};

static int on_setting(void *ctx, const char *section, const char *name, const char *value)
{
    struct reading *r = ctx;
    if (app_settings_set(r->s, section, name, value ? value : "") == RC_OK) return 1;
    if (r->why[0] == '\0') app_settings_why(r->s, section, name, value ? value : "", r->why);
    return 0;
}

/* A line the parser itself could not take; NULL: it was a setting, and that was refused. */
static const char *fault_of_line(FILE *f, int line)
{
    char text[512] = "";
    rewind(f);
    for (int i = 0; i < line && fgets(text, sizeof text, f);)
        if (strchr(text, '\n') || feof(f)) i++;
    const char *p = text + strspn(text, " \t\xEF\xBB\xBF");
    if (*p == '[') return strchr(p, ']') ? NULL : "this section is not closed; write it as [name].";
    return strpbrk(p, "=:") ? NULL : "this is neither a [section] nor name = value.";
}

enum rc app_settings_read(struct app_settings *s, const char *file, char why[512])
{
    struct reading r = {.s = s};
    why[0] = '\0';
    FILE *f = fopen(file, "re");
    if (!f) {
        enum rc rc = errno == ENOENT ? RC_NOT_FOUND : RC_DENIED;
        snprintf(why, 512, "The settings file %s cannot be read: %s.", file, strerror(errno));
        return rc;
    }
    int line = ini_parse_file(f, on_setting, &r);
    const char *fault = line > 0 ? fault_of_line(f, line) : NULL;
    fclose(f);
    if (line == 0) return RC_OK;
    if (line < 0)
        snprintf(why, 512, "The settings file %s cannot be read.", file);
    else
        snprintf(why, 512, "%.150s, line %d: %.340s", file, line, fault ? fault : r.why);
    return RC_MALFORMED;
}
