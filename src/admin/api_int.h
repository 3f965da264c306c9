/* admin/api_int.h - what the handlers of the operator API share: the call under way, answering it,
 * refusing it. */
#ifndef ADMIN_API_INT_H
#define ADMIN_API_INT_H
#include "admin/api.h"
#include "admin/live.h"
#include "admin/noun.h"
#include "base/form.h"
#include "directory/directory.h"
#include "http/server.h"
#include "store/params.h"
#include "store/tokens.h"
#include <jansson.h>
#include <pthread.h>

enum {
    ADMIN_BODY_MAX = 1 << 20,
    ADMIN_IMPORT_MAX = 64 << 20, /* bytes of one CSV file; by the UNIX socket only: over the network
                                    a body is read before it is known who sends it */
    ADMIN_PAGE_DEFAULT = 100,
    ADMIN_TRACE_MAX = 2000,
};

struct api_route;
struct admin_gate;
struct edgetold;

/* One request. */
struct admin_call {
    struct admin *admin;
    const struct api_route *route;
    const struct http_request *req;
    struct http_response *res;
    struct arena *arena; /* the request's */
    struct store_by by;  /* who asks */
    struct form query;
    json_t *body; /* of routes that take JSON: an object, never NULL there */
    struct store_why why;
};

typedef void api_fn(struct admin_call *c);

enum api_body { API_NO_BODY, API_JSON, API_CSV };
enum api_place { API_ON_NODE, API_ON_BOTH, API_ON_EDGE };

struct api_route {
    unsigned method; /* one of enum http_method */
    const char *path;
    api_fn *fn;
    const char *summary;
    const struct admin_noun *(*noun)(void); /* NULL, or whose rows it speaks of */
    enum api_body body;
    const char *query; /* names of its parameters, separated by spaces; NULL none */
    enum api_place place;
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;
bool api_is_here(const struct admin *a, const struct api_route *r);

struct api_seat {
    struct admin *admin;
    const struct api_route *route;
    bool over_unix;
};

struct admin {
    struct store *store;
    struct directory *directory;
    const struct admin_live *live;
    struct clock clock;
    struct random_source random;
    const struct log *log;
    bool is_edge;
    struct admin_gate *gate;
    uint8_t pass_key[32];  /* admin/pass.h */
    struct edgetold *told; /* admin/edgetold.h; under told_lock */
    pthread_mutex_t told_lock;
    pthread_mutex_t ports;  /* one change of ports or mode at a time: check, commit, settle */
    struct api_seat *seats; /* api_route_count for each of two sites */
};

/* --- answers: each ends the call -------------------------------------------------------------- */

/* Takes the reference; NULL is out of memory. */
void api_reply(struct admin_call *c, int status, json_t *json);
void api_fail(struct admin_call *c, int status, const char *error, const char *field,
              const char *fmt, ...) PRINTF_LIKE(5, 6);
/* By rc, with the store's sentence from c->why or one about what ("device CSFrado"). */
/* A port as the API shows it. */
json_t *api_listener_print(const struct admin_listener *row);
void api_fail_rc(struct admin_call *c, enum rc rc, const char *noun, struct str key);
/* A member of the body that must be a text; NULL and answered when it is not. "" where optional. */
bool api_text(struct admin_call *c, const char *name, bool required, struct str *out);
/* A number in the query; false and answered when it is none. */
bool api_number(struct admin_call *c, const char *name, uint64_t fallback, uint64_t max,
                uint64_t *out);
bool api_flag(const struct admin_call *c, const char *name);
/* Takes item; out of memory the whole array goes and is NULL: no answer leaves a row out. */
void api_append(json_t **array, json_t *item);
json_t *api_str(struct str s); /* bytes that are no UTF-8 become '?' */

/* --- who asks --------------------------------------------------------------------------------- */

struct admin_gate *admin_gate_new(const struct random_source *random, unsigned pool_threads);
struct admin_gate *admin_gate_free(struct admin_gate *gate);
/* Fills c->by; false and answered when the caller is no administrator. */
bool admin_gate_let_in(struct admin_call *c, bool over_unix);
/* The same for AXL: administrators and those with the role axl. */
bool admin_gate_let_in_axl(struct admin_call *c);

/* --- rows and JSON ---------------------------------------------------------------------------- */

/* What a row could not take. */
struct row_error {
    const char *field; /* "" the whole */
    char text[300];
};
/* A new object, NULL when out of memory. brief leaves out what lists do not show. */
json_t *row_print(const struct admin_noun *noun, const void *row, bool brief);
/* Applies the members of json to row (values lie in the arena). Members that are read only must
 * not differ. RC_INVALID with e, RC_NOMEM. */
MUST_CHECK enum rc row_apply(struct admin_call *c, const struct admin_noun *noun, json_t *json,
                             bool is_new, void *row, struct row_error *e);
/* The one field from text, as the importer has it. */
MUST_CHECK enum rc row_apply_text(struct admin_call *c, const struct admin_noun *noun,
                                  const struct admin_field *f, struct str text, void *row,
                                  struct row_error *e);
/* A password or digest password as what is kept of it; "" takes it away. As above. */
MUST_CHECK enum rc row_apply_secret(struct admin_call *c, const struct admin_field *f,
                                    struct str text, void *row, struct row_error *e);
/* Is it long enough, and not too long? RC_INVALID with e. */
MUST_CHECK enum rc row_check_password(struct admin_call *c, const struct admin_field *f,
                                      struct str password, struct row_error *e);
/* A password as Argon2id; RC_INVALID (empty, too long), RC_NOMEM. */
MUST_CHECK enum rc row_hash_password(struct admin_call *c, struct str password, struct str *out);

/* The store's calls by noun. */
struct noun_store {
    enum rc (*get)(struct store *s, struct str key, struct arena *a, void *out,
                   struct store_why *why);
    enum rc (*list)(struct store *s, const struct store_page *page, struct arena *a, void **rows,
                    size_t *count, bool *more, struct store_why *why);
    enum rc (*put)(struct store *s, const struct store_by *by, enum store_put how, const void *row,
                   struct store_why *why);
    enum rc (*remove)(struct store *s, const struct store_by *by, struct str key,
                      struct store_why *why);
};
const struct noun_store *noun_store(const struct admin_noun *noun);

/* --- checks of the mode ----------------------------------------------------------------------- */

struct mode_check {
    struct str name; /* "OAuth with Refresh Login Flow" */
    bool ok;
    struct str text; /* what was found */
    struct str fix;  /* what to do; "" when ok */
};
enum { MODE_CHECK_MAX = 64 };
struct mode_checks {
    struct mode_check rows[MODE_CHECK_MAX];
    size_t count;
    bool all_ok;
};
MUST_CHECK enum rc mode_check_all(struct admin_call *c, struct mode_checks *out);
/* This node's own row. */
MUST_CHECK enum rc mode_own_node(struct admin_call *c, struct store_node *out);
bool mode_is_on(struct admin_call *c);
/* Would the change of ports from old (NULL: all are new) to new fit this machine? RC_CONFLICT with
 * c->why naming the holder. */
MUST_CHECK enum rc ports_check(struct admin_call *c, const struct store_ports *old,
                               const struct store_ports *new);

/* Answers what a removal would come to, or why it would be refused; consequences.c. */
void remove_rehearse(struct admin_call *c, const struct admin_noun *noun, struct str key);

/* What keeps the node from being whole; health.c. */
#define HEALTH_DISK "Disk"
struct health_problem {
    const char *name;     /* "Port", HEALTH_DISK */
    struct str text, fix; /* sentences: what was found, what to do */
};
struct health {
    struct health_problem *rows;
    size_t count;
};
MUST_CHECK enum rc health_look(struct admin_call *c, struct health *out);
json_t *health_print(const struct health *h); /* new; NULL when out of memory */

/* Edges that failed at the MRA port within the last hour and have not got in since; handshakes.c. */
MUST_CHECK enum rc handshakes_recent(struct admin_call *c, struct health *out);

/* Calls under way; calls_api.c. */
size_t calls_count(const struct admin_call *c);

/* --- handlers, by file ------------------------------------------------------------------------ */

api_fn noun_list, noun_add, noun_show, noun_update, noun_remove;              /* nouns_api.c */
api_fn param_list, param_show, param_update;                                  /* params_api.c */
api_fn mode_show, mode_enable, mode_disable;                                  /* mode_api.c */
api_fn live_status, live_registrations, live_reset, live_traces, live_switch; /* live_api.c */
api_fn live_ports, live_port, live_counters, live_audit, live_trunks;         /* live_api.c */
api_fn live_handshakes;                                                       /* handshakes.c */
api_fn edge_status, edge_diagnose, edge_zones, edge_ucms, edge_refresh;       /* edge_api.c */
api_fn edge_card, edge_pair;                                                  /* pairing_api.c */
api_fn live_sql;                                                              /* sql_api.c */
api_fn live_calls, live_hang_up, cdr_list;                                    /* calls_api.c */
api_fn key_list, key_show, key_regen, key_rotate, cert_regen, cert_import;    /* keys_api.c */
api_fn trust_import;                                                          /* keys_api.c */
api_fn grant_list, grant_revoke, grant_revoke_many;                           /* grants_api.c */
api_fn import_csv;                                                            /* import.c */
api_fn diagnose_node, diagnose_device;                                        /* diagnose.c */
api_fn openapi_show;                                                          /* openapi.c */

#endif
