/* AXL about trusted edges: the object ExpresswayCConfiguration is a row of store_edge. */
#include "admin/axl_int.h"

#define NOUN "ExpresswayCConfiguration"
static const char host_tag[] = "HostNameOrIP", description_tag[] = "description",
                  names_tag[] = "X509SubjectNameorSubjectAlternateName";

static bool read_edges(struct axl_call *x, struct store_edges *out)
{
    enum rc rc = store_edge_list(x->c->admin->store, NULL, x->c->arena, out, &x->c->why);
    if (rc != RC_OK) axl_fault_rc(x, rc, NOUN, STR(""));
    return rc == RC_OK;
}

/* The row the request names by uuid or host; answered where there is none. */
static bool find(struct axl_call *x, struct store_edge *out)
{
    struct store_edges all;
    struct str uuid = xml_text(x->soap.args, "uuid"), host = xml_text(x->soap.args, host_tag);
    struct str pkid = STR("");
    if (uuid.n > 0 && soap_read_uuid(uuid, x->c->arena, &pkid) != RC_OK) {
        axl_fault(x, 500, AXL_INVALID, "uuid is written {8-4-4-4-12}");
        return false;
    }
    if (!read_edges(x, &all)) return false;
    for (size_t i = 0; i < all.count; i++) {
        *out = all.rows[i];
        if (uuid.n > 0 ? str_eq_nocase(out->pkid, pkid) : str_eq_nocase(out->host_or_ip, host))
            return true;
    }
    axl_fault_rc(x, RC_NOT_FOUND, NOUN, uuid.n > 0 ? uuid : host);
    return false;
}

static bool host_is_taken(struct axl_call *x, struct str host, struct str but_pkid)
{
    struct store_edges all;
    if (!read_edges(x, &all)) return true;
    for (size_t i = 0; i < all.count; i++) {
        if (!str_eq_nocase(all.rows[i].host_or_ip, host) || str_eq(all.rows[i].pkid, but_pkid))
            continue;
        axl_fault_rc(x, RC_EXISTS, NOUN, host);
        return true;
    }
    return false;
}

static bool put(struct axl_call *x, enum store_put how, const struct store_edge *row)
{
    enum rc rc = store_edge_put(x->c->admin->store, &x->c->by, how, row, &x->c->why);
    if (rc != RC_OK) axl_fault_rc(x, rc, NOUN, row->host_or_ip);
    return rc == RC_OK;
}

void axl_add_edge(struct axl_call *x)
{
    const struct xml_node *given = xml_find(x->soap.args, "expresswayCConfiguration");
    struct store_edge row = {.host_or_ip = xml_text(given, host_tag),
                             .description = xml_text(given, description_tag),
                             .x509_names = xml_text(given, names_tag)};
    struct store_edges all;
    if (row.host_or_ip.n == 0) {
        axl_fault(x, 500, AXL_INVALID, "HostNameOrIP is missing");
        return;
    }
    if (host_is_taken(x, row.host_or_ip, STR("")) || !put(x, STORE_ADD, &row)) return;
    if (!read_edges(x, &all)) return;
    for (size_t i = 0; i < all.count; i++)
        if (str_eq_nocase(all.rows[i].host_or_ip, row.host_or_ip)) row = all.rows[i];
    axl_return_uuid(x, row.pkid);
}

void axl_update_edge(struct axl_call *x)
{
    struct store_edge row;
    if (!find(x, &row)) return;
    const struct xml_node *host = xml_find(x->soap.args, "newHostNameOrIP");
    const struct xml_node *description = xml_find(x->soap.args, description_tag);
    const struct xml_node *names = xml_find(x->soap.args, names_tag);
    if (host) row.host_or_ip = str_trim(host->text);
    if (description) row.description = str_trim(description->text);
    if (names) row.x509_names = str_trim(names->text);
    if (host && host_is_taken(x, row.host_or_ip, row.pkid)) return;
    if (put(x, STORE_UPDATE, &row)) axl_return_uuid(x, row.pkid);
}

static void put_edge(struct axl_call *x, struct xml_writer *w, const struct store_edge *row)
{
    xml_open(w, "expresswayCConfiguration");
    axl_put_uuid(w, row->pkid);
    axl_put(x, w, host_tag, row->host_or_ip);
    axl_put(x, w, description_tag, str_sub(row->description, 0, 50));
    axl_put(x, w, names_tag, row->x509_names);
    xml_close(w);
}

void axl_get_edge(struct axl_call *x)
{
    struct store_edge row;
    if (!find(x, &row)) return;
    put_edge(x, axl_begin(x), &row);
    axl_end(x);
}

void axl_list_edge(struct axl_call *x)
{
    struct store_edges all;
    uint64_t skip, first;
    if (!axl_window(x, &skip, &first) || !read_edges(x, &all)) return;
    struct xml_writer *w = axl_begin(x);
    for (size_t i = 0; i < all.count && first > 0; i++) {
        if (!axl_fits(x, host_tag, all.rows[i].host_or_ip) ||
            !axl_fits(x, description_tag, all.rows[i].description))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        first--;
        put_edge(x, w, &all.rows[i]);
    }
    axl_end(x);
}

void axl_remove_edge(struct axl_call *x)
{
    struct store_edge row;
    if (!find(x, &row)) return;
    enum rc rc = store_edge_remove(x->c->admin->store, &x->c->by, row.pkid, &x->c->why);
    if (rc == RC_OK)
        axl_return_uuid(x, row.pkid);
    else
        axl_fault_rc(x, rc, NOUN, row.host_or_ip);
}
