/* directory/directory.h - the configuration as the hot path reads it: immutable, counted records in
 * sharded tables. Everything is loaded at start; after each commit of the store the changed record
 * is read again and swapped, so a reader sees it at once and never waits for the disk. A record
 * stays whole and valid until its last reference goes, whatever is stored meanwhile. Readers: any
 * thread; a lookup holds one shard's lock for the length of a table probe. */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H
#include "store/params.h"
#include "store/records.h"
#include "store/store.h"
#include <stdatomic.h>

struct directory;

/* Loads all of s and listens to it until directory_free. why: as the store says. */
MUST_CHECK enum rc directory_new(struct store *s, const struct random_source *random,
                                 struct directory **out, struct store_why *why);
/* All subscribers must be gone; references still held stay valid. NULL is fine; gives NULL. */
struct directory *directory_free(struct directory *d);

/* --- records. Text points into the record; keys compare without ASCII case. --------------------
 */

struct directory_user {
    struct str id, display_name, email;
    struct str digest_realm, digest_md5, digest_sha256; /* HA1 in hex, "" none */
    int roles;                                          /* STORE_ROLE_* */
    bool active;
};
/* NULL when there is none. */
const struct directory_user *directory_user_ref(struct directory *d, struct str id);
const struct directory_user *directory_user_unref(const struct directory_user *u); /* NULL */

struct directory_profile {
    struct str name;
    enum store_security security;
    enum store_transport transport;
    bool oauth, digest, tftp_encrypted, exclude_digest_credentials;
    int nonce_validity_s;
};
const struct directory_profile *directory_profile_ref(struct directory *d, struct str name);
const struct directory_profile *directory_profile_unref(const struct directory_profile *p);

struct directory_device_line {
    int index;
    struct str pattern, label, display, contact;
};
struct directory_device {
    struct str name, description, product;
    int model;
    struct str owner;   /* user id, "" none: directory_user_ref gives the user */
    struct str profile; /* directory_profile_ref gives the profile */
    struct str mac, instance;
    struct str client_cert; /* never "": the device name where none is set */
    struct str pkid;
    int64_t version;
    bool enabled, dnd;
    uint16_t line_count;
    const struct directory_device_line *lines; /* by index */
};
const struct directory_device *directory_device_ref(struct directory *d, struct str name);
const struct directory_device *directory_device_unref(const struct directory_device *dev);
/* One more reference to a record one holds. */
const struct directory_device *directory_device_again(const struct directory_device *dev);
/* The device's line with that directory number, or with that contact uuid; NULL. Borrowed. */
const struct directory_device_line *directory_device_line_find(const struct directory_device *dev,
                                                               struct str pattern);
const struct directory_device_line *directory_device_line_find_contact(
    const struct directory_device *dev, struct str contact);

struct directory_line {
    struct str pattern, description, alerting_name, display;
    const struct str *devices; /* names of the devices that carry it */
    size_t device_count;
    /* Call settings as in store/records.h; directory/dialplan.h says what 0 stands for. */
    struct str forward_all, forward_busy, forward_no_answer;
    int ring_s, busy_trigger;
};
const struct directory_line *directory_line_ref(struct directory *d, struct str pattern);
const struct directory_line *directory_line_unref(const struct directory_line *l);

struct directory_node {
    struct str name, host, addresses, description;
    int priority;
    struct store_ports ports;
    struct str pkid;
};
const struct directory_node *directory_node_ref(struct directory *d, struct str name);
const struct directory_node *directory_node_unref(const struct directory_node *n);

/* --- snapshots: the whole of a small table, replaced as one -------------------------------------
 */

struct directory_nodes {
    const struct store_node *rows; /* by priority, then name */
    size_t count;
};
const struct directory_nodes *directory_nodes_ref(struct directory *d);
const struct directory_nodes *directory_nodes_unref(const struct directory_nodes *n);

struct directory_edge {
    struct str pkid, host_or_ip, description;
    const struct str *names; /* x509subjectnameoraltname, split and trimmed */
    size_t name_count;
};
struct directory_edges {
    const struct directory_edge *rows;
    size_t count;
};
const struct directory_edges *directory_edges_ref(struct directory *d);
const struct directory_edges *directory_edges_unref(const struct directory_edges *e);
/* The edge that lists name (without case, a trailing dot ignored); NULL. Borrowed. */
const struct directory_edge *directory_edges_find(const struct directory_edges *e, struct str name);

struct directory_domains {
    const struct store_domain *rows;
    size_t count;
};
const struct directory_domains *directory_domains_ref(struct directory *d);
const struct directory_domains *directory_domains_unref(const struct directory_domains *x);

struct directory_issuers {
    const struct store_issuer *rows;
    size_t count;
};
const struct directory_issuers *directory_issuers_ref(struct directory *d);
const struct directory_issuers *directory_issuers_unref(const struct directory_issuers *x);

/* All parameters, parsed. A stored value that does not fit its definition reads as the default. */
struct directory_params {
    struct str text[STORE_P_COUNT]; /* every parameter as stored */
    int64_t number[STORE_P_COUNT];  /* BOOL 0/1, INT its value, CHOICE the position (0..), TEXT 0 */
    uint64_t generation;            /* rises with each change */
};
const struct directory_params *directory_params_ref(struct directory *d);
const struct directory_params *directory_params_unref(const struct directory_params *p);
/* The newest generation: compare it with a snapshot one keeps, to renew that only when it is stale.
 */
uint64_t directory_params_generation(const struct directory *d);
/* One number, without a snapshot. */
int64_t directory_param_number(struct directory *d, enum store_param_id id);
static inline bool directory_params_is_on(const struct directory_params *p, enum store_param_id id)
{
    return p->number[id] != 0;
}

/* --- changes ------------------------------------------------------------------------------------
 */

/* A record changed and the new one is already in place; removed: it is gone. Kinds the directory
 * does not hold (certificates, keys, clients, grants) are passed on too. On the committing thread,
 * which may be any: post to your own loop. It may take references, not (un)subscribe. */
typedef void directory_change_fn(void *ctx, enum store_kind kind, struct str key, bool removed);
enum { DIRECTORY_SUBSCRIBER_MAX = 16 };
MUST_CHECK enum rc directory_subscribe(struct directory *d, directory_change_fn *fn, void *ctx);
/* After it returns fn is not called any more. */
void directory_unsubscribe(struct directory *d, directory_change_fn *fn, void *ctx);

/* A change that could not be read again (out of memory, disk) leaves the old record in place; how
 * often that happened, for the log and the metrics. directory_reload then reads everything anew. */
uint64_t directory_failed_count(const struct directory *d);
MUST_CHECK enum rc directory_reload(struct directory *d, struct store_why *why);

struct directory_counts {
    size_t users, devices, lines, profiles, nodes, hunt_groups, trunks, route_patterns;
};
void directory_count(struct directory *d, struct directory_counts *out);
#endif
