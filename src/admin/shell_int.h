/* admin/shell_int.h - the prompt "admin:" on a terminal, by libedit: history in a file only its
 * owner reads, TAB completes words of commands, nouns, names (asked of the node) and options, '?'
 * shows what may come next. */
#ifndef ADMIN_SHELL_INT_H
#define ADMIN_SHELL_INT_H
#include "admin/cli_int.h"

/* Until "quit" or the end of input; the status of the last command that failed, else 0. */
int shell_run(struct cli *cli);

/* Everything that may stand at the end of line (the last, perhaps begun word): each handed to fn
 * whole, as it is to be typed. word_start gets where that word begins in the line. */
void shell_complete(struct cli *cli, struct str line, size_t *word_start,
                    void (*fn)(void *ctx, struct str word), void *ctx);

#endif
