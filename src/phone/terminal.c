#include "phone/terminal.h"

#include <stdio.h>

enum { ROWS_KEPT = 7 }; /* for the selected call, the keys and the log, each in two lines */

enum {
    KEY_ESCAPE = 0x1b,
    KEY_BACKSPACE = 0x08,
    KEY_DELETE = 0x7f,
    KEY_CTRL_C = 0x03,
    KEY_CTRL_D = 0x04
};

static const struct phone_call_info *selected(const struct phone_terminal_view *v)
{
    return v->count > 0 ? v->calls[v->selected].info : NULL;
}

static bool is_in(const struct phone_call_info *c, enum phone_call_state state)
{
    return c && c->state == state;
}

/* Two calls that talk: their other sides can be joined. */
static bool may_join(const struct phone_terminal_view *v)
{
    size_t talking = 0;
    for (size_t i = 0; i < v->count; i++)
        talking += is_in(v->calls[i].info, PHONE_CALL_TALKING);
    return talking == 2 && is_in(selected(v), PHONE_CALL_TALKING);
}

/* ---- the keys that work now: one table for drawing and for typing ---- */

struct key {
    char key;
    enum phone_terminal_command command;
    enum phone_terminal_mode mode; /* entered by it */
    const char *label;
};

enum { KEYS_MAX = 12 };

static size_t keys_now(const struct phone_terminal_view *v, struct key out[KEYS_MAX])
{
    const struct phone_call_info *c = selected(v);
    size_t n = 0;
    bool talks = is_in(c, PHONE_CALL_TALKING);
    if (is_in(c, PHONE_CALL_INCOMING)) {
        out[n++] = (struct key){'a', PHONE_CMD_ANSWER, 0, "answer"};
        out[n++] = (struct key){'b', PHONE_CMD_BUSY, 0, "busy"};
        out[n++] = (struct key){'d', PHONE_CMD_DECLINE, 0, "decline"};
    } else if (c) {
        out[n++] = (struct key){'h', PHONE_CMD_HANG_UP, 0, "hang up"};
    }
    if (talks && !c->changing)
        out[n++] = (struct key){'o', PHONE_CMD_HOLD, 0, c->holding ? "resume" : "hold"};
    if (talks) {
        bool muted = v->calls[v->selected].is_muted;
        out[n++] = (struct key){'m', PHONE_CMD_MUTE, 0, muted ? "unmute" : "mute"};
        out[n++] = (struct key){'k', PHONE_CMD_NONE, PHONE_TERMINAL_DIGITS, "keys"};
    }
    if (talks && !c->transferring)
        out[n++] = (struct key){'t', PHONE_CMD_NONE, PHONE_TERMINAL_TRANSFER, "transfer"};
    if (may_join(v)) out[n++] = (struct key){'j', PHONE_CMD_JOIN, 0, "join"};
    if (v->count > 1) out[n++] = (struct key){'n', PHONE_CMD_NEXT, 0, "next"};
    if (v->is_registered && v->count < PHONE_CALL_MAX)
        out[n++] = (struct key){'c', PHONE_CMD_NONE, PHONE_TERMINAL_NUMBER, "call"};
    out[n++] = (struct key){'q', PHONE_CMD_QUIT, 0, "quit"};
    return n;
}

/* ---- typing ---- */

static void leave_entry(struct phone_terminal *t)
{
    t->mode = PHONE_TERMINAL_KEYS;
    t->entry_n = 0;
    t->entry[0] = '\0';
}

static enum phone_terminal_command type_entry(struct phone_terminal *t, char key, struct str *text)
{
    bool is_call = t->mode == PHONE_TERMINAL_NUMBER;
    if (key == '\r' || key == '\n') {
        *text = str_of(t->entry, t->entry_n);
        t->mode = PHONE_TERMINAL_KEYS;
        t->entry_n = 0; /* the text stays until the next key */
        if (text->n == 0) return PHONE_CMD_NONE;
        return is_call ? PHONE_CMD_CALL : PHONE_CMD_TRANSFER;
    }
    if (key == KEY_BACKSPACE || key == KEY_DELETE) {
        while (t->entry_n > 0 && ((unsigned char)t->entry[--t->entry_n] & 0xc0) == 0x80) {}
    } else if ((unsigned char)key >= 0x20 && t->entry_n < sizeof t->entry - 1) {
        t->entry[t->entry_n++] = key;
    }
    t->entry[t->entry_n] = '\0';
    return PHONE_CMD_NONE;
}

/* Arrow and function keys send several bytes; none of them is meant as a letter. True: swallowed. */
static bool is_escape_sequence(struct phone_terminal *t, char key)
{
    if (key == KEY_ESCAPE) {
        t->escape = 1;
        return false; /* alone it leads back */
    }
    if (t->escape == 1 && (key == '[' || key == 'O')) {
        t->escape = 2;
        return true;
    }
    bool within = t->escape == 2;
    t->escape = within && (unsigned char)key < 0x40 ? 2 : 0;
    return within;
}

enum phone_terminal_command phone_terminal_key(struct phone_terminal *t,
                                               const struct phone_terminal_view *v, char key,
                                               struct str *text)
{
    struct key keys[KEYS_MAX];
    if (is_escape_sequence(t, key)) return PHONE_CMD_NONE;
    if (key == KEY_CTRL_C || (key == KEY_CTRL_D && t->entry_n == 0)) return PHONE_CMD_QUIT;
    bool talks = is_in(selected(v), PHONE_CALL_TALKING);
    bool needs_talk = t->mode == PHONE_TERMINAL_DIGITS || t->mode == PHONE_TERMINAL_TRANSFER;
    if (key == KEY_ESCAPE || (needs_talk && !talks)) {
        leave_entry(t);
        if (key == KEY_ESCAPE) return PHONE_CMD_NONE;
    }
    if (t->mode == PHONE_TERMINAL_DIGITS) {
        if (key == '\r' || key == '\n') leave_entry(t);
        if (!strchr("0123456789*#ABCD", key) || key == '\0') return PHONE_CMD_NONE;
        t->entry[0] = key;
        *text = str_of(t->entry, 1);
        return PHONE_CMD_DIGIT;
    }
    if (t->mode != PHONE_TERMINAL_KEYS) return type_entry(t, key, text);
    size_t n = keys_now(v, keys);
    for (size_t i = 0; i < n; i++) {
        if (keys[i].key != key) continue;
        if (keys[i].mode != PHONE_TERMINAL_KEYS) {
            leave_entry(t);
            t->mode = keys[i].mode;
        }
        return keys[i].command;
    }
    return PHONE_CMD_NONE;
}

/* ---- drawing ---- */

void phone_terminal_clear(struct buf *out, struct phone_terminal *t)
{
    if (t->is_dumb || t->drawn == 0) return;
    buf_put_lit(out, "\r\x1b[J");
    t->drawn = 0;
}

/* Bytes of line that fit in so many columns, letters counted, not bytes; where more follow, up to the
 * last pause in them (two spaces, a comma) if there is one. *next: where the rest begins. */
static size_t fit(struct str line, unsigned columns, size_t *next)
{
    size_t n = 0, pause = 0;
    for (unsigned letters = 0; n < line.n; n++) {
        if (n > 2 && line.p[n - 1] == ' ' && (line.p[n - 2] == ' ' || line.p[n - 2] == ','))
            pause = n;
        if (((unsigned char)line.p[n] & 0xc0) != 0x80 && letters++ == columns) break;
    }
    bool goes_on = n < line.n && pause > 0;
    *next = goes_on ? pause : line.n; /* what has no pause ends at the edge */
    if (!goes_on) return n;
    while (pause > 0 && line.p[pause - 1] == ' ')
        pause--;
    return pause;
}

/* One line, or as many as the terminal's columns ask for, those after the first one indented. */
static void put_line(struct buf *out, struct phone_terminal *t, struct str line, const char *style)
{
    enum { INDENT = 4, COLUMNS_MIN = 20 };
    unsigned columns = t->columns > COLUMNS_MIN ? t->columns - 1 : 79;
    if (t->is_dumb) columns = UINT32_MAX;
    for (bool first = true; first || line.n > 0; first = false) {
        if (t->rows > 1 && !t->is_dumb && t->drawn + 1 >= t->rows)
            return; /* the way back up ends */
        size_t next, n = fit(line, first ? columns : columns - INDENT, &next);
        if (!first) buf_printf(out, "%*s", INDENT, "");
        if (style && !t->is_dumb) buf_put_str(out, str_from(style));
        buf_put(out, line.p, n);
        if (style && !t->is_dumb) buf_put_lit(out, "\x1b[0m");
        buf_put_lit(out, "\n");
        t->drawn++;
        line = str_sub(line, next, line.n);
    }
}

static void put_call(struct buf *out, struct phone_terminal *t, const struct phone_terminal_view *v,
                     size_t at)
{
    char line[PHONE_TERMINAL_LINE_MAX], name[PHONE_NAME_MAX + 4] = "", time[32] = "";
    const struct phone_terminal_call *call = &v->calls[at];
    const struct phone_call_info *i = call->info;
    bool rings = i->state == PHONE_CALL_INCOMING;
    const char *state = phone_call_state_name(i->state);
    if (i->state == PHONE_CALL_TALKING && i->transferring)
        state = "transferring";
    else if (i->state == PHONE_CALL_TALKING && (i->holding || i->is_held))
        state = i->holding && i->is_held ? "held twice" : i->holding ? "on hold" : "held there";
    if (i->peer_name[0]) snprintf(name, sizeof name, " (%s)", i->peer_name);
    int64_t s = i->answered_mono_ms < 0 ? -1 : (v->now_mono_ms - i->answered_mono_ms) / 1000;
    if (s >= 0 && !t->is_dumb)
        snprintf(time, sizeof time, "  %02lld:%02lld", (long long)(s / 60), (long long)(s % 60));
    if (rings)
        snprintf(line, sizeof line, "%c INCOMING CALL %u from %s%s ", v->selected == at ? '>' : ' ',
                 i->number, i->peer_number, name);
    else
        snprintf(line, sizeof line, "%c %u %s  %s%s%s%s%s%s", v->selected == at ? '>' : ' ',
                 i->number, state, i->peer_number, name, time, call->is_muted ? "  muted" : "",
                 call->quality[0] && !t->is_dumb ? "  " : "", t->is_dumb ? "" : call->quality);
    put_line(out, t, str_from(line), rings ? "\x1b[7m" : NULL);
}

static void put_prompt(struct buf *out, struct phone_terminal *t,
                       const struct phone_terminal_view *v)
{
    char line[PHONE_TERMINAL_LINE_MAX];
    struct buf b;
    struct key keys[KEYS_MAX];
    buf_init_fixed(&b, line, sizeof line);
    switch (t->mode) {
    case PHONE_TERMINAL_NUMBER:
        buf_printf(&b, "call: %s_  (Enter calls, Esc back)", t->entry);
        break;
    case PHONE_TERMINAL_TRANSFER:
        buf_printf(&b, "transfer to: %s_  (Enter transfers, Esc back)", t->entry);
        break;
    case PHONE_TERMINAL_DIGITS:
        buf_put_lit(&b, "keys 0-9 * # go to the other side (Esc back)");
        break;
    case PHONE_TERMINAL_KEYS: {
        size_t n = keys_now(v, keys);
        for (size_t i = 0; i < n; i++)
            buf_printf(&b, "%s[%c] %s", i > 0 ? "  " : "", keys[i].key, keys[i].label);
        break;
    }
    }
    put_line(out, t, buf_str(&b), NULL);
}

void phone_terminal_draw(struct buf *out, struct phone_terminal *t,
                         const struct phone_terminal_view *v)
{
    size_t start = out->n;
    phone_terminal_clear(out, t);
    size_t from = out->n;
    put_line(out, t, str_from(v->line), "\x1b[1m");
    for (size_t i = 0; i < v->count; i++) {
        bool fits = t->rows == 0 || t->is_dumb || t->drawn + ROWS_KEPT <= t->rows;
        if (fits || i == v->selected) put_call(out, t, v, i);
    }
    put_prompt(out, t, v);
    if (buf_rc(out) != RC_OK) return;
    if (!t->is_dumb) { /* the cursor waits where the log goes on */
        buf_printf(out, "\x1b[%zuA\r", t->drawn);
        return;
    }
    t->drawn = 0;
    struct str text = str_of(out->p + from, out->n - from);
    if (text.n < sizeof t->last && str_eq(text, str_from(t->last))) {
        out->n = start;
    } else if (text.n < sizeof t->last) {
        memcpy(t->last, text.p, text.n);
        t->last[text.n] = '\0';
    }
}
