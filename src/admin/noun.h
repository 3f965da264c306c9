/* admin/noun.h - what the operator can name: users, devices, lines ... as tables of fields. The
 * operator API reads and prints JSON by them, the command line its --options, the importer its
 * columns, and the OpenAPI document its schemas, so a field is named in one place. Constant data,
 * no calls: the command line links it without a store. */
#ifndef ADMIN_NOUN_H
#define ADMIN_NOUN_H
#include "store/dialplan.h"
#include "store/records.h"
#include "store/remote.h"

enum admin_field_kind {
    ADMIN_TEXT,
    ADMIN_INT,
    ADMIN_TIME, /* Unix seconds */
    ADMIN_VERSION,
    ADMIN_BOOL,
    ADMIN_CHOICE,
    ADMIN_ROLES,
    ADMIN_LINES,         /* of a device */
    ADMIN_MEMBERS,       /* of a hunt group: numbers */
    ADMIN_WORDS,         /* text kept with separator between words; JSON gives an array */
    ADMIN_PASSWORD,      /* write only: kept as Argon2id */
    ADMIN_DIGEST_SECRET, /* write only: kept as HA1 */
    ADMIN_SECRET,        /* write only: kept as it is, to be shown to another server */
};
enum admin_field_flag {
    ADMIN_F_KEY = 1,
    ADMIN_F_READ_ONLY = 2,
    ADMIN_F_COLUMN = 4, /* shown in lists */
    ADMIN_F_FILE = 8,   /* the command line takes --name-file FILE */
    ADMIN_F_FIRST = 16, /* the word after "add", where the key is made by the store */
    ADMIN_F_LONG = 32,  /* not in lists at all */
};

struct admin_choice {
    const char *name;
    int value;
};

struct admin_field {
    const char *name;    /* JSON member; --option with '-' for '_' */
    const char *aliases; /* other spellings, separated by spaces; NULL none */
    enum admin_field_kind kind;
    unsigned flags;
    size_t offset;
    const struct admin_choice *choices; /* ends with a NULL name */
    char separator;                     /* ADMIN_WORDS */
    const char *help;
};

struct admin_noun {
    const char *name, *plural; /* "user", "users" */
    const char *help;
    enum store_kind kind;
    size_t size; /* of the store's struct */
    const struct admin_field *fields;
    size_t field_count;
    bool can_change; /* add, update and remove by the common calls */
    void (*defaults)(void *row);
};

enum admin_noun_id {
    ADMIN_USER,
    ADMIN_DEVICE,
    ADMIN_LINE,
    ADMIN_PROFILE,
    ADMIN_NODE,
    ADMIN_ISSUER,
    ADMIN_DOMAIN,
    ADMIN_EDGE,
    ADMIN_CLIENT,
    ADMIN_CERT,
    ADMIN_TRUST,
    ADMIN_HUNT_GROUP,
    ADMIN_TRUNK,
    ADMIN_ROUTE_PATTERN,
    ADMIN_UCM,
    ADMIN_PEER,
    ADMIN_ALLOW,
    ADMIN_NOUN_COUNT
};

const struct admin_noun *admin_noun(enum admin_noun_id id);
/* Its fields that are written and never read: passwords and other secrets. */
bool admin_field_is_secret(const struct admin_field *f);
/* By name or plural, spelled as admin_name_eq allows; NULL. */
const struct admin_noun *admin_noun_find(struct str name);
/* By name or alias; case, '-' and '_' do not count. NULL. */
const struct admin_field *admin_noun_field(const struct admin_noun *noun, struct str name);
const struct admin_field *admin_noun_key(const struct admin_noun *noun);
int64_t admin_row_version(const struct admin_noun *noun, const void *row);
/* "a" or "an", as a name of a noun or field wants it. */
const char *admin_article(const char *name);
/* Equal when case, '-', '_' and spaces are left out. */
bool admin_name_eq(struct str a, struct str b);
/* "1", "true", "yes", "on", "enabled" and their opposites; RC_INVALID. */
MUST_CHECK enum rc admin_bool_parse(struct str text, bool *out);

#endif
