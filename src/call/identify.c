/* Which device and which line a request is for. A Cisco phone names its device in the Contact; any
 * other client is known by its +sip.instance or by the line it registers and whose token it
 * carries. */
#include "call/call_int.h"

#include "call/dial.h"
#include "sip/host.h"
#include "sip/values.h"

static const struct str devicename_param = STR_INIT("+u.sip!devicename.ccm.cisco.com");

/* "<urn:uuid:...>" without the brackets, which make the value an instance (RFC 5626, 4.1). */
static struct str unbracketed(struct str s)
{
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') return str_sub(s, 1, s.n - 1);
    return s;
}

void call_identify_claim(struct call_visit *v)
{
    struct str params = v->request->basics->contact.params;
    struct sip_param p;
    bool has_name = false, has_instance = false; /* of a parameter given twice the first counts */
    while ((!has_name || !has_instance) && sip_param_next(&params, &p) == RC_OK) {
        if (!has_name && str_eq_nocase(p.name, devicename_param)) {
            has_name = true;
            v->claimed = p.value;
        } else if (!has_instance && str_eq_nocase(p.name, STR("+sip.instance"))) {
            has_instance = true;
            v->instance = unbracketed(p.value);
        }
    }
    const struct call_flow *known = call_visit_known(v);
    v->cisco = v->claimed.n > 0 || (known && known->cisco);
    if (v->claimed.n == 0 && known) v->claimed = known->device;
}

/* Is name one of the names or addresses this cluster answers to? */
bool call_identify_is_our_host(struct call_node *n, const struct siptx_flow *f,
                               const struct sip_host *host)
{
    bool ours = false;
    const struct directory_nodes *nodes = directory_nodes_ref(n->directory);
    for (size_t i = 0; nodes && i < nodes->count && !ours; i++)
        ours = str_eq_nocase(host->text, nodes->rows[i].name) ||
               str_eq_nocase(host->text, nodes->rows[i].host);
    directory_nodes_unref(nodes);
    const struct directory_domains *domains = ours ? NULL : directory_domains_ref(n->directory);
    for (size_t i = 0; domains && i < domains->count && !ours; i++)
        ours = domains->rows[i].ours && str_eq_nocase(host->text, domains->rows[i].name);
    directory_domains_unref(domains);
    if (ours || host->kind == SIP_HOST_NAME || !f) return ours;
    struct net_addr addr;
    return net_addr_parse_ip(host->text, 0, &addr) == RC_OK && net_addr_ip_eq(&addr, &f->local);
}

struct str call_host_text(const struct call_visit *v, const struct sip_uri *uri)
{
    struct str text = uri->host.text, both;
    if (text.n == 0) return v->worker->node->node_name;
    if (uri->host.kind != SIP_HOST_IPV6) return text;
    return arena_printf(v->arena, &both, "[%.*s]", STR_ARG(text)) == RC_OK
               ? both
               : v->worker->node->node_name;
}

bool call_identify_is_ours(struct call_visit *v)
{
    if (v->to.scheme == SIP_SCHEME_TEL) return true;
    return sip_uri_is_sip(&v->to) &&
           call_identify_is_our_host(v->worker->node, v->request->flow, &v->to.host);
}

/* The line the To names: a directory number of the device, or the owner's own name for its first
 * line. */
static const struct directory_device_line *line_of(const struct call_visit *v,
                                                   const struct directory_device *dev)
{
    struct call_dialled to;
    if (call_dial_read(&v->to, v->arena, &to) != RC_OK) return NULL;
    struct str user = to.number;
    const struct directory_device_line *line = directory_device_line_find(dev, user);
    if (!line) line = directory_device_line_find_contact(dev, user);
    if (!line && dev->line_count > 0 && dev->owner.n > 0 && str_eq_nocase(user, dev->owner))
        line = &dev->lines[0];
    return line;
}

static bool suits(const struct call_visit *v, const struct directory_device *dev)
{
    if (dev->instance.n > 0 && !str_eq_nocase(dev->instance, v->instance)) return false;
    if (!v->has_claims) return true;
    return str_eq_nocase(dev->owner, v->claims.user);
}

/* Without a device name: the device on the To's line that suits the instance and the token. */
static const struct directory_device *device_by_line(const struct call_visit *v)
{
    struct directory *d = v->worker->node->directory;
    struct call_dialled to;
    if (call_dial_read(&v->to, v->arena, &to) != RC_OK) return NULL;
    const struct directory_line *line = directory_line_ref(d, to.number);
    const struct directory_device *found = NULL;
    for (size_t i = 0; line && i < line->device_count && !found; i++) {
        const struct directory_device *dev = directory_device_ref(d, line->devices[i]);
        if (dev && suits(v, dev)) {
            found = dev;
            break;
        }
        directory_device_unref(dev);
    }
    directory_line_unref(line);
    return found;
}

void call_identify_device(struct call_visit *v)
{
    struct directory *d = v->worker->node->directory;
    v->device = v->claimed.n > 0 ? directory_device_ref(d, v->claimed) : device_by_line(v);
    if (!v->device) return;
    v->profile = directory_profile_ref(d, v->device->profile);
    v->line = line_of(v, v->device);
}
