/* admin/bed.h - for admin's own tests: a node in small. A temporary store, the operator API on a
 * UNIX socket and on TCP, and a live node whose ports and registrations the test decides. */
#ifndef ADMIN_BED_H
#define ADMIN_BED_H
#include "kit/kit.h"

#include "admin/api.h"
#include "admin/axl.h"
#include "admin/cli.h"
#include "admin/live.h"
#include "directory/directory.h"
#include "http/client.h"
#include "http/test_server.h"

struct bed {
    char folder[64], socket[96];
    struct kit_time now;
    struct clock clock;
    struct kit_random dice;
    struct random_source random;
    struct store *store;
    struct directory *directory;
    struct oauth_keyring *keyring;
    struct admin_live live;
    struct admin *admin;
    struct test_server server; /* HTTP Basic on TCP */
    struct http_site *control_site;
    struct http_listener *control;
    struct store_why why;
    /* what the live node is like */
    int held_port; /* another program's */
    bool is_registered, is_refused, has_call;
    struct admin_handshake handshake; /* count 0: none has failed */
    unsigned settled, regens;
    /* what came back last */
    struct arena arena;
    char *out, *err;
    size_t out_n, err_n;
};

int bed_setup(void **state);
int bed_setup_edge(void **state); /* the same, of an edge */
int bed_teardown(void **state);

/* One request over the UNIX socket, as root; body "" none. Gives the status; answer in *body. */
int bed_ask(struct bed *b, const char *method, const char *path, const char *body,
            struct str *answer);
/* The same with one more header. */
int bed_ask_with(struct bed *b, const char *method, const char *path, const char *body,
                 const char *name, const char *value, struct str *answer);
/* Over TCP with HTTP Basic; user NULL: without. The second one is a GET. */
int bed_ask_as(struct bed *b, const char *method, const char *path, const char *user_and_password,
               struct str *answer);
int bed_ask_basic(struct bed *b, const char *path, const char *user_and_password,
                  struct str *answer);
/* An AXL request over TCP; user_and_password NULL: without. */
int bed_ask_axl(struct bed *b, const char *user_and_password, const char *envelope,
                struct str *answer);
/* One command line as at the prompt; what it printed is in b->out and b->err. */
int bed_cli(struct bed *b, const char *line);
/* The same with standard input from in. */
int bed_cli_from(struct bed *b, FILE *in, const char *line);
/* As a shell hands it over. */
int bed_cli_words(struct bed *b, int argc, char *const *argv);
/* Writes a file; path gets its name. */
void bed_put_file(struct bed *b, const char *text, char path[128]);
/* Certificates, refresh login and an OAuth profile: what the mode needs. */
void bed_make_ready(struct bed *b);

#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        if (!strstr((text), (part))) fail_msg("\"%s\" is not in \"%s\"", (part), (text));          \
    } while (0)

#endif
