/* base/log.c - prints a line into a block on the stack and hands it to the sink once. */
#include "base/log.h"

#include <stdio.h>
#include <time.h>

#define CUT_MARK "...\""

struct line {
    char p[LOG_LINE_MAX];
    size_t n;
    bool cut; /* a piece did not fit: nothing more is added but the mark */
};

/* A piece goes in whole or not at all, so an escape or a UTF-8 sequence is never halved. */
static void add(struct line *l, const char *p, size_t n)
{
    if (l->cut) return;
    if (n > sizeof l->p - (sizeof CUT_MARK - 1) - l->n) {
        l->cut = true;
        return;
    }
    memcpy(l->p + l->n, p, n);
    l->n += n;
}

static void add_cstr(struct line *l, const char *s)
{
    add(l, s, strlen(s));
}

static void add_time(struct line *l, int64_t unix_ms)
{
    time_t s = (time_t)(unix_ms / 1000);
    struct tm tm;
    char text[64];
    if (!gmtime_r(&s, &tm)) tm = (struct tm){.tm_mday = 1, .tm_year = 70};
    int n = snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                     (int)(unix_ms % 1000));
    add(l, text, (size_t)n);
}

/* Bytes of the printable character at s.p: 1 for ASCII, the length of a UTF-8 sequence that is no
 * C1 control; 0 for anything that must be written as an escape. */
static size_t printable(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    if (c < 0x80) return c >= 0x20 && c != 0x7F;
    size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (n > s.n || !str_is_utf8(str_sub(s, 0, n))) return 0;
    return c == 0xC2 && (unsigned char)s.p[1] < 0xA0 ? 0 : n;
}

static void add_escape(struct line *l, char c)
{
    char text[5];
    static const char letters[] = "nrt\"\\", bytes[] = "\n\r\t\"\\";
    const char *at = c ? strchr(bytes, c) : NULL;
    if (at)
        snprintf(text, sizeof text, "\\%c", letters[at - bytes]);
    else
        snprintf(text, sizeof text, "\\x%02x", (unsigned)(unsigned char)c);
    add_cstr(l, text);
}

/* Needs no quotes: not empty, printable ASCII without the signs that mean something in a line. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"\\=", s.p[i])) return false;
    return s.n > 0;
}

static void add_value(struct line *l, struct str s)
{
    if (is_plain(s) && s.n < sizeof l->p - (sizeof CUT_MARK - 1) - l->n) {
        add(l, s.p, s.n);
        return;
    }
    add_cstr(l, "\"");
    for (size_t i = 0, n; i < s.n && !l->cut; i += n ? n : 1) {
        n = printable(str_sub(s, i, s.n));
        if (n == 0 || s.p[i] == '"' || s.p[i] == '\\')
            add_escape(l, s.p[i]);
        else
            add(l, s.p + i, n);
    }
    if (!l->cut) add_cstr(l, "\"");
    if (!l->cut) return;
    memcpy(l->p + l->n, CUT_MARK, sizeof CUT_MARK - 1);
    l->n += sizeof CUT_MARK - 1;
}

static void add_field(struct line *l, const struct log_field *f)
{
    char number[24];
    size_t before = l->n;
    int n = snprintf(number, sizeof number, "%lld", (long long)f->i);
    add_cstr(l, " ");
    add_cstr(l, f->key);
    add_cstr(l, "=");
    if (l->cut)
        l->n = before; /* not even the name fits */
    else if (f->kind == LOG_KIND_INT)
        add(l, number, (size_t)n);
    else
        add_value(l, f->s);
    if (l->cut && f->kind == LOG_KIND_INT) l->n = before;
}

void log_write(const struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t field_count)
{
    static const char *const words[] = {[LOG_ERROR] = " error event=",
                                        [LOG_WARN] = " warn event=",
                                        [LOG_INFO] = " info event=",
                                        [LOG_DEBUG] = " debug event="};
    if (!log || level > log->level) return;
    struct line l;
    l.n = 0;
    l.cut = false;
    add_time(&l, clock_unix_ms(&log->clock));
    add_cstr(&l, words[level]);
    add_cstr(&l, event);
    for (size_t i = 0; i < field_count && !l.cut; i++)
        add_field(&l, &fields[i]);
    log->sink(log->ctx, level, str_of(l.p, l.n));
}
