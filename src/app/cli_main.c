/* bearline - the admin command line of a node. */
#include "admin/cli.h"
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void usage(FILE *to)
{
    fprintf(
        to,
        "Usage: bearline [--edge] [--socket PATH] [--json] [--yes] [COMMAND...]\n"
        "Administers a Bearline node or edge over its UNIX socket. Without a command: a shell on "
        "a\n"
        "terminal, else commands line by line from standard input.\n\n"
        "  -s, --socket PATH  control socket (default " ADMIN_SOCKET_DEFAULT ",\n"
        "                     or BEARLINE_SOCKET)\n"
        "  -e, --edge         an edge instead of a node (default socket\n"
        "                     " ADMIN_EDGE_SOCKET_DEFAULT ", or\n"
        "                     BEARLINE_EDGE_SOCKET)\n"
        "  -j, --json         print the operator API's answers\n"
        "  -y, --yes          do not ask before what cannot be taken back\n"
        "  -h, --help         this text; the commands: bearline help\n"
        "  -V, --version      the version\n\n"
        "Status: 0 done, 1 refused, 2 wrong use, 3 no node answers, 4 no such thing, 5 no right\n");
}

static const struct option options[] = {
    {"socket", required_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {"edge", no_argument, NULL, 'e'},
    {"yes", no_argument, NULL, 'y'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static const char *usual_socket(bool is_edge)
{
    const char *from_environment = getenv(is_edge ? "BEARLINE_EDGE_SOCKET" : "BEARLINE_SOCKET");
    if (from_environment && *from_environment) return from_environment;
    return is_edge ? ADMIN_EDGE_SOCKET_DEFAULT : ADMIN_SOCKET_DEFAULT;
}

int main(int argc, char **argv)
{
    bool is_edge = false;
    struct admin_cli_options o = {
        .in = stdin,
        .out = stdout,
        .err = stderr,
    };
    int c;
    signal(SIGPIPE, SIG_DFL);
    /* '+': options behind the command are the command's */
    while ((c = getopt_long(argc, argv, "+s:jyehV", options, NULL)) != -1) {
        if (c == 's') o.socket = optarg;
        if (c == 'e') is_edge = true;
        if (c == 'j') o.json = true;
        if (c == 'y') o.assume_yes = true;
        if (c == 'h') {
            usage(stdout);
            return ADMIN_EXIT_OK;
        }
        if (c == 'V') {
            puts("bearline " BEARLINE_VERSION);
            return ADMIN_EXIT_OK;
        }
        if (c == '?') {
            usage(stderr);
            return ADMIN_EXIT_USAGE;
        }
    }
    if (!o.socket) o.socket = usual_socket(is_edge);
    return optind < argc ? admin_cli_run(&o, argc - optind, argv + optind) : admin_cli_shell(&o);
}
