#include "admin/command.h"
#include "admin/noun.h"
#include "base/buf.h"
#include "base/cur.h"
#include <stdio.h>

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One word with its quotes taken off, written to at (which has room for what is left of the line). */
static bool take_word(struct cur *c, char **at)
{
    char quote = 0;
    for (; !cur_at_end(c); c->p++) {
        char ch = *c->p;
        if (quote == 0 && is_blank(ch)) break;
        if (ch == '\\' && quote != '\'' && cur_left(c) > 1)
            *(*at)++ = *++c->p;
        else if (quote == 0 && (ch == '"' || ch == '\''))
            quote = ch;
        else if (ch == quote)
            quote = 0;
        else
            *(*at)++ = ch;
    }
    *(*at)++ = '\0';
    return quote == 0;
}

enum rc command_split(struct str line, struct arena *a, struct command_words *out)
{
    struct cur c = cur_of(line);
    if (line.n > COMMAND_LINE_MAX) return RC_TOO_BIG;
    if (line.n > 0 && memchr(line.p, 0, line.n)) return RC_MALFORMED;
    char *at = arena_alloc(a, line.n * 2 + 2);
    if (!at) return RC_NOMEM;
    out->count = 0;
    for (;;) {
        while (is_blank(cur_peek(&c)))
            c.p++;
        if (cur_at_end(&c) || *c.p == '#') break;
        if (out->count == COMMAND_WORD_MAX) return RC_TOO_BIG;
        out->starts[out->count] = (size_t)(c.p - line.p);
        out->words[out->count++] = at;
        if (!take_word(&c, &at)) return RC_MALFORMED;
    }
    out->words[out->count] = NULL;
    return RC_OK;
}

static bool is_plain(const char *word)
{
    if (*word == '\0') return false;
    return strpbrk(word, " \t\r\n\"'\\#") == NULL;
}

enum rc command_join(int argc, char *const *argv, struct arena *a, struct str *out)
{
    struct buf b;
    buf_init(&b, COMMAND_LINE_MAX);
    for (int i = 0; i < argc; i++) {
        if (i > 0) buf_put_char(&b, ' ');
        bool plain = is_plain(argv[i]);
        if (!plain) buf_put_char(&b, '"');
        for (const char *p = argv[i]; *p; p++) {
            if (!plain && (*p == '"' || *p == '\\')) buf_put_char(&b, '\\');
            buf_put_char(&b, *p);
        }
        if (!plain) buf_put_char(&b, '"');
    }
    enum rc rc = buf_rc(&b);
    if (rc == RC_OK) rc = arena_str_dup(a, buf_str(&b), out);
    buf_fini(&b);
    return rc;
}

static bool word_is(struct str pattern, const char *word)
{
    if (str_eq(pattern, STR("*"))) {
        const struct admin_noun *noun = admin_noun_find(str_from(word));
        return noun && noun->can_change;
    }
    return admin_name_eq(pattern, str_from(word));
}

/* How many words of the command argv begins with; -1 when one differs. *whole: all of them. */
static int common(const struct command *c, int argc, char *const *argv, bool *whole,
                  struct str *next)
{
    struct str rest = str_from(c->words), word;
    int n = 0;
    *whole = true;
    while (str_split(&rest, ' ', &word)) {
        if (n == argc) {
            *whole = false;
            *next = word;
            return n;
        }
        if (!word_is(word, argv[n])) return -1;
        n++;
    }
    return n;
}

const struct command *command_find(const struct command *table, size_t count, int argc,
                                   char *const *argv, int *used)
{
    const struct command *best = NULL;
    *used = 0;
    for (size_t i = 0; i < count; i++) {
        struct str next;
        bool whole;
        int n = common(&table[i], argc, argv, &whole, &next);
        if (n > *used && whole) {
            best = &table[i];
            *used = n;
        }
    }
    return best;
}

bool command_fits(const struct command *c, int argc, char *const *argv)
{
    struct str words = str_from(c->words), word;
    for (int i = 0; i < argc && str_split(&words, ' ', &word); i++)
        if (!word_is(word, argv[i])) return false;
    return true;
}

void command_usage(const struct command *c, const char *noun, char *out, size_t cap)
{
    bool star = c->words[0] == '*';
    snprintf(out, cap, "%s%s%s%s", star ? noun : "", c->words + star, c->args[0] ? " " : "",
             c->args);
}

static void each_noun(void (*fn)(void *ctx, struct str word), void *ctx)
{
    for (int i = 0; i < ADMIN_NOUN_COUNT; i++)
        if (admin_noun((enum admin_noun_id)i)->can_change)
            fn(ctx, str_from(admin_noun((enum admin_noun_id)i)->name));
}

void command_next(const struct command *table, size_t count, int argc, char *const *argv,
                  void (*fn)(void *ctx, struct str word), void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        struct str next, earlier;
        bool whole, is_new = true;
        if (!table[i].help || common(&table[i], argc, argv, &whole, &next) != argc || whole)
            continue;
        for (size_t k = 0; k < i && is_new; k++)
            if (table[k].help && common(&table[k], argc, argv, &whole, &earlier) == argc && !whole)
                is_new = !str_eq(next, earlier);
        if (is_new && str_eq(next, STR("*")))
            each_noun(fn, ctx);
        else if (is_new)
            fn(ctx, next);
    }
}
