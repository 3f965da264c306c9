#include "directory/directory_int.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct record *directory_user_record(const struct store_user *row)
{
    struct directory_user u = {.id = row->id,
                               .display_name = row->display_name,
                               .email = row->email,
                               .digest_realm = row->digest_realm,
                               .digest_md5 = row->digest_md5,
                               .digest_sha256 = row->digest_sha256,
                               .roles = row->roles,
                               .active = row->active};
    struct str *const texts[] = {&u.id,           &u.display_name, &u.email,
                                 &u.digest_realm, &u.digest_md5,   &u.digest_sha256};
    return record_of_texts(&u, sizeof u, texts, COUNT(texts));
}

struct record *directory_profile_record(const struct store_profile *row)
{
    struct directory_profile p = {.name = row->name,
                                  .security = row->security,
                                  .transport = row->transport,
                                  .oauth = row->oauth,
                                  .digest = row->digest,
                                  .tftp_encrypted = row->tftp_encrypted,
                                  .exclude_digest_credentials = row->exclude_digest_credentials,
                                  .nonce_validity_s = row->nonce_validity_s};
    struct str *const texts[] = {&p.name};
    return record_of_texts(&p, sizeof p, texts, COUNT(texts));
}

struct record *directory_node_record(const struct store_node *row)
{
    struct directory_node n = {.name = row->name,
                               .host = row->host,
                               .addresses = row->addresses,
                               .description = row->description,
                               .priority = row->priority,
                               .ports = row->ports,
                               .pkid = row->pkid};
    struct str *const texts[] = {&n.name, &n.host, &n.addresses, &n.description, &n.pkid};
    return record_of_texts(&n, sizeof n, texts, COUNT(texts));
}

struct record *directory_line_record(const struct store_line *row,
                                     const struct store_names *devices)
{
    struct directory_line l = {.pattern = row->pattern,
                               .description = row->description,
                               .alerting_name = row->alerting_name,
                               .display = row->display,
                               .device_count = devices->count,
                               .forward_all = row->forward_all,
                               .forward_busy = row->forward_busy,
                               .forward_no_answer = row->forward_no_answer,
                               .ring_s = row->ring_s,
                               .busy_trigger = row->busy_trigger};
    struct str *const texts[] = {&l.pattern,     &l.description,  &l.alerting_name,    &l.display,
                                 &l.forward_all, &l.forward_busy, &l.forward_no_answer};
    size_t text_n = 0;
    char *at;
    for (size_t i = 0; i < COUNT(texts); i++)
        text_n += texts[i]->n;
    for (size_t i = 0; i < devices->count; i++)
        text_n += devices->rows[i].n;
    struct record *r = record_new(sizeof l + devices->count * sizeof(struct str), text_n, &at);
    if (!r) return NULL;
    struct str *names = (struct str *)(void *)(r->pub + sizeof l);
    for (size_t i = 0; i < COUNT(texts); i++)
        record_pack(texts[i], &at);
    for (size_t i = 0; i < devices->count; i++) {
        names[i] = devices->rows[i];
        record_pack(&names[i], &at);
    }
    l.devices = names;
    r->key = l.pattern;
    memcpy(r->pub, &l, sizeof l);
    return r;
}

struct record *directory_hunt_group_record(const struct store_hunt_group *row)
{
    struct directory_hunt_group g = {.number = row->number,
                                     .description = row->description,
                                     .display = row->display,
                                     .forward_no_answer = row->forward_no_answer,
                                     .algorithm = row->algorithm,
                                     .ring_s = row->ring_s,
                                     .member_count = row->member_count};
    struct str *const texts[] = {&g.number, &g.description, &g.display, &g.forward_no_answer};
    size_t text_n = 0;
    char *at;
    for (size_t i = 0; i < COUNT(texts); i++)
        text_n += texts[i]->n;
    for (size_t i = 0; i < row->member_count; i++)
        text_n += row->members[i].n;
    struct record *r = record_new(sizeof g + row->member_count * sizeof(struct str), text_n, &at);
    if (!r) return NULL;
    struct str *members = (struct str *)(void *)(r->pub + sizeof g);
    for (size_t i = 0; i < COUNT(texts); i++)
        record_pack(texts[i], &at);
    for (size_t i = 0; i < row->member_count; i++) {
        members[i] = row->members[i];
        record_pack(&members[i], &at);
    }
    g.members = members;
    r->key = g.number;
    memcpy(r->pub, &g, sizeof g);
    return r;
}

struct record *directory_trunk_record(const struct store_trunk *row)
{
    struct directory_trunk t = {.name = row->name,
                                .description = row->description,
                                .host = row->host,
                                .peers = row->peers,
                                .port = row->port,
                                .transport = row->transport,
                                .srtp_allowed = row->srtp_allowed,
                                .enabled = row->enabled};
    struct str *const texts[] = {&t.name, &t.description, &t.host, &t.peers};
    return record_of_texts(&t, sizeof t, texts, COUNT(texts));
}

static size_t lines_text(const struct store_device *row)
{
    size_t n = 0;
    for (size_t i = 0; i < row->line_count; i++) {
        const struct store_device_line *l = &row->lines[i];
        n += l->pattern.n + l->label.n + l->display.n + l->contact.n;
    }
    return n;
}

struct record *directory_device_record(const struct store_device *row)
{
    struct directory_device d = {.name = row->name,
                                 .description = row->description,
                                 .product = row->product,
                                 .model = row->model,
                                 .owner = row->owner,
                                 .profile = row->profile,
                                 .mac = row->mac,
                                 .instance = row->instance,
                                 .client_cert = row->client_cert,
                                 .pkid = row->pkid,
                                 .version = row->version,
                                 .enabled = row->enabled,
                                 .dnd = row->dnd,
                                 .line_count = (uint16_t)row->line_count};
    struct str *const texts[] = {&d.name, &d.description, &d.product,     &d.owner, &d.profile,
                                 &d.mac,  &d.instance,    &d.client_cert, &d.pkid};
    size_t text_n = lines_text(row);
    char *at;
    for (size_t i = 0; i < COUNT(texts); i++)
        text_n += texts[i]->n;
    struct record *r = record_new(sizeof d + row->line_count * sizeof(struct directory_device_line),
                                  text_n, &at);
    if (!r) return NULL;
    for (size_t i = 0; i < COUNT(texts); i++)
        record_pack(texts[i], &at);
    if (d.client_cert.n == 0) d.client_cert = d.name;
    struct directory_device_line *lines = (struct directory_device_line *)(void *)(r->pub +
                                                                                   sizeof d);
    for (size_t i = 0; i < row->line_count; i++) {
        const struct store_device_line *from = &row->lines[i];
        lines[i] = (struct directory_device_line){from->index, from->pattern, from->label,
                                                  from->display, from->contact};
        record_pack(&lines[i].pattern, &at);
        record_pack(&lines[i].label, &at);
        record_pack(&lines[i].display, &at);
        record_pack(&lines[i].contact, &at);
    }
    d.lines = lines;
    r->key = d.name;
    memcpy(r->pub, &d, sizeof d);
    return r;
}

/* --- the public side --- */

#define NOUN(noun, table_)                                                                         \
    const struct directory_##noun *directory_##noun##_ref(struct directory *d, struct str key)     \
    {                                                                                              \
        return table_ref(&d->table_, key);                                                         \
    }                                                                                              \
    const struct directory_##noun *directory_##noun##_unref(const struct directory_##noun *x)      \
    {                                                                                              \
        return record_unref(x);                                                                    \
    }
NOUN(user, users)
NOUN(profile, profiles)
NOUN(device, devices)
NOUN(line, lines)
NOUN(node, nodes)
NOUN(hunt_group, hunt_groups)
NOUN(trunk, trunks)

const struct directory_trunk *directory_trunk_again(const struct directory_trunk *t)
{
    return record_ref(t);
}

const struct directory_device *directory_device_again(const struct directory_device *dev)
{
    return record_ref(dev);
}

const struct directory_device_line *directory_device_line_find(const struct directory_device *dev,
                                                               struct str pattern)
{
    for (size_t i = 0; i < dev->line_count; i++)
        if (str_eq_nocase(dev->lines[i].pattern, pattern)) return &dev->lines[i];
    return NULL;
}

const struct directory_device_line *directory_device_line_find_contact(
    const struct directory_device *dev, struct str contact)
{
    for (size_t i = 0; i < dev->line_count; i++)
        if (str_eq_nocase(dev->lines[i].contact, contact)) return &dev->lines[i];
    return NULL;
}
