#include "phone/status.h"

#include "phone/json_int.h"
#include <stdio.h>
#include <time.h>

/* ---- as a file ---- */

enum rc phone_status_print_json(const struct phone_status *st, struct secret *out)
{
    json_t *o = json_object();
    const struct {
        const char *key, *text;
    } texts[] = {
        {"device", st->device},
        {"line", st->line},
        {"node", st->node},
        {"address", st->address},
        {"transport", st->transport},
        {"state", phone_line_state_name(st->state)},
        {"problem", st->problem.code == PHONE_EXIT_OK ? "" : st->problem.text},
        {"problem_name",
         st->problem.code == PHONE_EXIT_OK ? "" : phone_exit_name(st->problem.code)},
    };
    const struct {
        const char *key;
        int64_t v;
    } numbers[] = {
        {"state_number", st->state},          {"pid", st->pid},
        {"granted_s", st->granted_s},         {"since", st->since_unix_s},
        {"next_refresh", st->refresh_unix_s}, {"token_until", st->token_until_unix_s},
        {"token_renewal", st->renew_unix_s},  {"problem_code", st->problem.code},
        {"problem_at", st->problem_unix_s},
    };
    int bad = !o;
    bad |= json_object_set_new(o, "registered", json_boolean(st->is_registered));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        bad |= json_object_set_new(o, texts[i].key, json_string(texts[i].text));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        bad |= json_object_set_new(o, numbers[i].key, json_integer(numbers[i].v));
    enum rc rc = bad ? RC_NOMEM : json_print_secret(o, out);
    json_wipe(o);
    return rc;
}

enum rc phone_status_parse(struct str json, struct phone_status *out)
{
    json_t *o = json_object_parse(json);
    if (!o) return RC_MALFORMED;
    struct phone_status st = {0};
    enum rc rc = json_text_copy(o, "device", st.device, sizeof st.device);
    if (rc == RC_OK) rc = json_text_copy(o, "line", st.line, sizeof st.line);
    if (rc == RC_OK) rc = json_text_copy(o, "node", st.node, sizeof st.node);
    if (rc == RC_OK) rc = json_text_copy(o, "address", st.address, sizeof st.address);
    if (rc == RC_OK) rc = json_text_copy(o, "transport", st.transport, sizeof st.transport);
    if (rc == RC_OK) rc = json_text_copy(o, "problem", st.problem.text, sizeof st.problem.text);
    int64_t state = json_seconds(o, "state_number");
    if (rc != RC_OK || state >= PHONE_LINE_STATE_COUNT) rc = RC_MALFORMED;
    st.state = (enum phone_line_state)state;
    st.is_registered = json_is_true(json_object_get(o, "registered"));
    st.pid = (long)json_seconds(o, "pid");
    st.granted_s = (uint32_t)json_seconds(o, "granted_s");
    st.since_unix_s = json_seconds(o, "since");
    st.refresh_unix_s = json_seconds(o, "next_refresh");
    st.token_until_unix_s = json_seconds(o, "token_until");
    st.renew_unix_s = json_seconds(o, "token_renewal");
    st.problem.code = (enum phone_exit)json_seconds(o, "problem_code");
    st.problem_unix_s = json_seconds(o, "problem_at");
    json_wipe(o);
    if (rc == RC_OK) *out = st;
    return rc;
}

enum rc phone_status_save(const struct phone_state *s, const struct phone_status *st)
{
    struct secret text = {0};
    enum rc rc = phone_status_print_json(st, &text);
    if (rc == RC_OK) rc = phone_state_write(s, PHONE_FILE_STATUS, secret_bytes(&text), NULL);
    secret_fini(&text);
    return rc;
}

enum rc phone_status_load(const struct phone_state *s, struct phone_status *out)
{
    struct secret text = {0};
    enum rc rc = phone_state_read(s, PHONE_FILE_STATUS, &text);
    if (rc == RC_OK) rc = phone_status_parse(bytes_str(secret_bytes(&text)), out);
    secret_fini(&text);
    return rc;
}

/* ---- for a person ---- */

static void put_time(struct buf *out, int64_t unix_s)
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    char text[32];
    if (!localtime_r(&t, &tm) || strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        text[0] = '\0';
    buf_put_str(out, str_from(text));
}

/* "in 1 h 12 min", "3 min ago" */
static void put_distance(struct buf *out, int64_t s)
{
    int64_t n = s < 0 ? -s : s;
    if (n == 0) {
        buf_put_lit(out, "now");
        return;
    }
    buf_put_str(out, s < 0 ? STR("") : STR("in "));
    if (n >= 3600)
        buf_printf(out, "%lld h %lld min", (long long)(n / 3600), (long long)(n % 3600 / 60));
    else if (n >= 60)
        buf_printf(out, "%lld min", (long long)(n / 60));
    else
        buf_printf(out, "%lld s", (long long)n);
    if (s < 0) buf_put_lit(out, " ago");
}

static void put_when(struct buf *out, const char *what, int64_t unix_s, int64_t now_unix_s)
{
    if (unix_s <= 0) return;
    buf_printf(out, "%-15s", what);
    put_time(out, unix_s);
    buf_put_lit(out, " (");
    put_distance(out, unix_s - now_unix_s);
    buf_put_lit(out, ")\n");
}

void phone_status_print(struct buf *out, const struct phone_status *st, bool running,
                        int64_t now_unix_s)
{
    bool registered = running && st->is_registered;
    buf_printf(out, "%-15s%s\n", "device", st->device);
    if (registered) {
        buf_printf(out, "%-15sregistered as %s at %s (%s, %s)\n", "state", st->line, st->node,
                   st->address, st->transport);
        put_when(out, "since", st->since_unix_s, now_unix_s);
        put_when(out, "next refresh", st->refresh_unix_s, now_unix_s);
    } else if (running) {
        buf_printf(out, "%-15snot registered: %s\n", "state", phone_line_state_name(st->state));
    } else {
        buf_printf(out, "%-15snot registered: the phone is not running (\"bearline-phone run\")\n",
                   "state");
    }
    put_when(out, "token until", st->token_until_unix_s, now_unix_s);
    if (running) put_when(out, "token renewal", st->renew_unix_s, now_unix_s);
    if (st->problem.code == PHONE_EXIT_OK) return;
    put_when(out, "last problem", st->problem_unix_s, now_unix_s);
    buf_printf(out, "%-15s%s\n", "", st->problem.text);
}
