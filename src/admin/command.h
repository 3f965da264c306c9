/* admin/command.h - a command line in words, and which command it means. Pure. */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H
#include "base/arena.h"
#include "base/str.h"

enum { COMMAND_WORD_MAX = 256, COMMAND_LINE_MAX = 65536 };

struct command_words {
    char *words[COMMAND_WORD_MAX + 1]; /* NUL-terminated, in the arena; ends with NULL */
    size_t starts[COMMAND_WORD_MAX];   /* where each begins in the line */
    int count;
};
/* Words are parted by blanks; '...' and "..." keep blanks, within "..." and outside quotes '\' takes
 * the next character as it is. '#' at the start of a word begins a comment, but not in a rest taken
 * raw. RC_MALFORMED (a quote is not closed, a NUL), RC_TOO_BIG, RC_NOMEM. */
MUST_CHECK enum rc command_split(struct str line, struct arena *a, struct command_words *out);
/* One line that splits into these words again; for commands that take the rest as typed. */
MUST_CHECK enum rc command_join(int argc, char *const *argv, struct arena *a, struct str *out);

struct cli;
struct cli_rest {
    int argc; /* words behind the command's own */
    char *const *argv;
    struct str raw;    /* the same as it was typed, quotes and all */
    struct str head;   /* the command's own words, "user add" */
    const char *usage; /* "user show <name>" */
};
typedef int command_fn(struct cli *cli, const struct cli_rest *rest);

struct command {
    const char *words; /* "utils sipOAuth-mode enable"; '*' stands for a noun */
    const char *args;  /* "<device> [--full]" */
    const char *help;  /* NULL: another spelling, not listed */
    command_fn *run;
};

/* The command with most words in common with the line, all of its own matched (admin_name_eq);
 * *used gets how many. NULL: none. */
const struct command *command_find(const struct command *table, size_t count, int argc,
                                   char *const *argv, int *used);
/* Is one the beginning of the other, as far as both go? "help show" is about "show calls". */
bool command_fits(const struct command *c, int argc, char *const *argv);
/* "user remove <name>": its words and what follows; noun stands for the star. */
void command_usage(const struct command *c, const char *noun, char *out, size_t cap);
/* What may stand as the next word after those given: each once, handed to fn. */
void command_next(const struct command *table, size_t count, int argc, char *const *argv,
                  void (*fn)(void *ctx, struct str word), void *ctx);

#endif
