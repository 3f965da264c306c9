/* AXL about the cluster itself: its version, nodes and their ports, and questions in SQL. */
#include "admin/axl_int.h"
#include <stdio.h>

/* What clients take for the release; AXL's schema has no place for another product's numbers. */
static struct str release_of(const struct axl_call *x, char out[32])
{
    snprintf(out, 32, "%s.1.10000(1)", x->soap.version);
    return str_from(out);
}

void axl_get_ccm_version(struct axl_call *x)
{
    char release[32];
    struct xml_writer *w = axl_begin(x);
    xml_open(w, "componentVersion");
    xml_leaf(w, "version", release_of(x, release));
    xml_close(w);
    axl_end(x);
}

/* ---- nodes ---- */

static bool read_nodes(struct axl_call *x, struct store_nodes *out)
{
    enum rc rc = store_node_list(x->c->admin->store, NULL, x->c->arena, out, &x->c->why);
    if (rc != RC_OK) axl_fault_rc(x, rc, "processNode", STR(""));
    return rc == RC_OK;
}

/* The first of the phones' list is whom the others copy. */
static bool is_publisher(const struct store_nodes *all, size_t at)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->rows[i].priority < all->rows[at].priority) return false;
    return true;
}

typedef void put_fn(struct axl_call *x, struct xml_writer *w, const struct store_nodes *all,
                    size_t at);

static void list(struct axl_call *x, put_fn *put, bool by_host)
{
    struct store_nodes all;
    uint64_t skip, first;
    if (!axl_window(x, &skip, &first) || !read_nodes(x, &all)) return;
    struct xml_writer *w = axl_begin(x);
    for (size_t i = 0; i < all.count && first > 0; i++) {
        const struct store_node *n = &all.rows[i];
        if (!axl_fits(x, "name", by_host ? n->host : n->name) ||
            !axl_fits(x, "description", n->description) ||
            !axl_fits(x, "processNodeRole", STR("CUCM Voice/Video")))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        first--;
        put(x, w, &all, i);
    }
    axl_end(x);
}

static void put_process_node(struct axl_call *x, struct xml_writer *w,
                             const struct store_nodes *all, size_t at)
{
    const struct store_node *n = &all->rows[at];
    xml_open(w, "processNode");
    axl_put_uuid(w, n->pkid);
    axl_put(x, w, "name", n->host);
    axl_put(x, w, "description", str_sub(n->description, 0, 50));
    axl_put(x, w, "nodeUsage", is_publisher(all, at) ? STR("Publisher") : STR("Subscriber"));
    axl_put(x, w, "processNodeRole", STR("CUCM Voice/Video"));
    xml_close(w);
}

void axl_list_process_node(struct axl_call *x)
{
    list(x, put_process_node, true);
}

static void put_listed(struct axl_call *x, struct xml_writer *w, const struct store_nodes *all,
                       size_t at)
{
    const struct store_node *n = &all->rows[at];
    xml_open(w, "callManager");
    axl_put_uuid(w, n->pkid);
    axl_put(x, w, "name", n->name);
    axl_put(x, w, "description", str_sub(n->description, 0, 50));
    axl_put(x, w, "processNodeName", n->host);
    xml_close(w);
}

void axl_list_call_manager(struct axl_call *x)
{
    list(x, put_listed, false);
}

static void put_ports(struct xml_writer *w, const struct store_ports *p)
{
    xml_open(w, "ports");
    xml_leaf_u64(w, "ethernetPhonePort", (uint64_t)p->ethernet);
    xml_open(w, "mgcpPorts");
    xml_leaf_u64(w, "listen", (uint64_t)p->mgcp_listen);
    xml_leaf_u64(w, "keepAlive", (uint64_t)p->mgcp_keepalive);
    xml_close(w);
    xml_open(w, "sipPorts");
    xml_leaf_u64(w, "sipPhonePort", (uint64_t)p->sip);
    xml_leaf_u64(w, "sipPhoneSecurePort", (uint64_t)p->sips);
    xml_leaf_u64(w, "sipOAuthPort", (uint64_t)p->oauth);
    xml_leaf_u64(w, "sipOAuthMRAPort", (uint64_t)p->mra);
    xml_close(w);
    xml_close(w);
}

static const struct store_node *find_node(const struct store_nodes *all, struct str name,
                                          struct str pkid)
{
    for (size_t i = 0; i < all->count; i++)
        if (pkid.n > 0 ? str_eq_nocase(all->rows[i].pkid, pkid)
                       : str_eq_nocase(all->rows[i].name, name))
            return &all->rows[i];
    return NULL;
}

void axl_get_call_manager(struct axl_call *x)
{
    struct store_nodes all;
    struct str name = xml_text(x->soap.args, "name"), uuid = xml_text(x->soap.args, "uuid");
    struct str pkid = STR("");
    if (uuid.n > 0 && soap_read_uuid(uuid, x->c->arena, &pkid) != RC_OK) {
        axl_fault(x, 500, AXL_INVALID, "uuid is written {8-4-4-4-12}");
        return;
    }
    if (!read_nodes(x, &all)) return;
    const struct store_node *n = find_node(&all, name, pkid);
    if (!n) {
        axl_fault_rc(x, RC_NOT_FOUND, "CallManager", uuid.n > 0 ? uuid : name);
        return;
    }
    struct xml_writer *w = axl_begin(x);
    xml_open(w, "callManager");
    axl_put_uuid(w, n->pkid);
    axl_put(x, w, "name", n->name);
    axl_put(x, w, "description", str_sub(n->description, 0, 50));
    if (axl_wants(x, "ports")) put_ports(w, &n->ports);
    axl_put(x, w, "processNodeName", n->host);
    xml_close(w);
    axl_end(x);
}

/* ---- SQL ---- */

/* A column as an element: its name where XML allows it, else "column". */
static const char *element_of(struct arena *a, struct str column)
{
    struct str out;
    bool ok = column.n > 0 && column.n < 64;
    for (size_t i = 0; i < column.n && ok; i++) {
        char c = column.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        ok = letter || (i > 0 && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
    }
    if (!ok || arena_printf(a, &out, "%.*s", STR_ARG(column)) != RC_OK) return "column";
    return out.p; /* arena_printf ends it with a NUL */
}

void axl_execute_sql_query(struct axl_call *x)
{
    struct store_table t;
    struct str sql = xml_text(x->soap.args, "sql");
    enum rc rc = store_query_readonly(x->c->admin->store, sql, x->c->arena, &t, &x->c->why);
    if (rc == RC_OK && t.truncated) {
        axl_fault(x, 500, AXL_INVALID,
                  "There are more than %zu rows: narrow the question with WHERE", t.row_count);
        return;
    }
    if (rc != RC_OK) {
        axl_fault_rc(x, rc, "executeSQLQuery", STR(""));
        return;
    }
    const char **names = ARENA_ARRAY(x->c->arena, const char *, t.column_count + 1);
    if (!names) {
        axl_fault_rc(x, RC_NOMEM, "executeSQLQuery", STR(""));
        return;
    }
    for (size_t i = 0; i < t.column_count; i++)
        names[i] = element_of(x->c->arena, t.columns[i]);
    struct xml_writer *w = axl_begin(x);
    for (size_t r = 0; r < t.row_count; r++) {
        xml_open(w, "row");
        for (size_t i = 0; i < t.column_count; i++)
            xml_leaf(w, names[i], t.cells[r * t.column_count + i]);
        xml_close(w);
    }
    axl_end(x);
}
