#include "call/remotecc.h"

#include "sip/multipart.h"
#include "xml/reader.h"

static const struct xml_limits limits = {
    .doc_max = 16384,
    .depth_max = 16,
    .element_max = 200,
    .attr_max = 8,
};

static void read_options(const struct xml_node *node, struct call_remotecc *out)
{
    out->has_options = true;
    for (const struct xml_node *n = node->first_child; n; n = n->next) {
        struct str usage = xml_attr(n, "usage");
        if (str_eq(n->name, STR("combine"))) out->options |= CALL_OPTION_COMBINE;
        if (str_eq(n->name, STR("joinreq"))) out->options |= CALL_OPTION_JOIN;
        if (str_eq(n->name, STR("dialog")) && str_eq(usage, STR("hook status")))
            out->options |= CALL_OPTION_HOOK_STATUS;
        if (str_eq(n->name, STR("dialog")) && str_eq(usage, STR("shared line")))
            out->options |= CALL_OPTION_SHARED_LINE;
        if (str_eq(n->name, STR("presence")) && str_eq(usage, STR("blf speed dial")))
            out->options |= CALL_OPTION_BLF;
    }
}

static void read_part(struct str content_type, struct str body, struct arena *a,
                      struct call_remotecc *out)
{
    struct sip_content_type type;
    const struct xml_node *root;
    if (sip_content_type_parse(content_type, &type) != RC_OK ||
        !sip_content_type_is(&type, STR("application"), STR("x-cisco-remotecc-request+xml")))
        return;
    if (xml_parse(str_trim(body), &limits, a, &root, NULL) != RC_OK ||
        !str_eq(root->name, STR("x-cisco-remotecc-request")))
        return;
    out->found = true;
    const struct xml_node *contact = xml_find(root, "bulkregisterreq/contact");
    if (contact && str_eq(xml_attr(contact, "all"), STR("true"))) out->all_lines = true;
    const struct xml_node *options = xml_find(root, "optionsind");
    if (options) read_options(options, out);
}

void call_remotecc_read(struct str content_type, struct str body, struct arena *a,
                        struct call_remotecc *out)
{
    *out = (struct call_remotecc){0};
    if (body.n == 0) return;
    struct sip_multipart parts;
    struct sip_part part;
    if (sip_multipart_begin(&parts, content_type, body) != RC_OK) {
        read_part(content_type, body, a, out);
        return;
    }
    while (sip_multipart_next(&parts, &part) == RC_OK)
        read_part(part.content_type, part.body, a, out);
}

void call_remotecc_print(struct buf *out, const struct call_remotecc *request)
{
    static const struct {
        unsigned option;
        struct str text;
    } taken[] = {
        {CALL_OPTION_COMBINE, STR_INIT("<combine max=\"6\"><remotecc><status></status></remotecc>"
                                       "<service-control></service-control></combine>")},
        {CALL_OPTION_HOOK_STATUS, STR_INIT("<dialog usage=\"hook status\"><unot></unot></dialog>")},
        {CALL_OPTION_SHARED_LINE, STR_INIT("<dialog usage=\"shared line\"><unot></unot></dialog>")},
        {CALL_OPTION_BLF, STR_INIT("<presence usage=\"blf speed dial\"><unot></unot></presence>")},
        {CALL_OPTION_JOIN, STR_INIT("<joinreq></joinreq>")},
    };
    buf_put_lit(out, "<x-cisco-remotecc-response><response><code>200</code>");
    if (request->has_options) {
        buf_put_lit(out, "<optionsind>");
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
            if (request->options & taken[i].option) buf_put_str(out, taken[i].text);
        buf_put_lit(out, "</optionsind>");
    }
    buf_put_lit(out, "</response></x-cisco-remotecc-response>\n");
}
