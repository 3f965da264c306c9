/* admin/cli.h - the admin command line: one command, a script from standard input, or a shell with
 * the prompt "admin:". It speaks HTTP over the node's UNIX socket, so it is the operator API in
 * words; only "show open ports" looks at this machine itself. Blocking, one thread. */
#ifndef ADMIN_CLI_H
#define ADMIN_CLI_H
#include "base/rc.h"
#include <stdbool.h>
#include <stdio.h>

#define ADMIN_SOCKET_DEFAULT "/run/bearline/control.sock"

#define ADMIN_EDGE_SOCKET_DEFAULT "/run/bearline-edge/control.sock"

/* What the program ends with. */
enum admin_exit {
    ADMIN_EXIT_OK = 0,
    ADMIN_EXIT_REFUSED = 1,     /* the node said no, or a check failed */
    ADMIN_EXIT_USAGE = 2,       /* no such command, or a word missing or too much */
    ADMIN_EXIT_UNREACHABLE = 3, /* no node answers at the socket */
    ADMIN_EXIT_NOT_FOUND = 4,   /* no such user, device ... */
    ADMIN_EXIT_NO_RIGHT = 5,    /* neither root nor the daemon's user */
};

struct admin_cli_options {
    const char *socket; /* path of the control socket */
    bool json;          /* print the API's answers as they are */
    bool assume_yes;    /* do not ask before what cannot be taken back */
    FILE *in, *out, *err;
};

/* One command given as words ("utils", "sipOAuth-mode", "enable"). */
int admin_cli_run(const struct admin_cli_options *options, int argc, char *const *argv);
/* Commands line by line from options->in, until its end, "quit" or "exit": with editing, history and
 * completion when it is a terminal. The status is that of the last command that failed, else 0. */
int admin_cli_shell(const struct admin_cli_options *options);

#endif
