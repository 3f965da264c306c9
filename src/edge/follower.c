#include "edge/follower.h"

#include "base/form.h"
#include "crypto/secret.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ADDRESS_MAX = 253,
    USER_MAX = 256,
    PASSWORD_MAX = 1024,
    PASS_MAX = 1024,
    ARENA_MAX = 16 << 20
};

struct edge_follower {
    struct edge_follower_config config;
    char address[ADDRESS_MAX + 1], username[USER_MAX + 1], password[PASSWORD_MAX + 1];
    /* the step's own */
    char pass[PASS_MAX + 1], version[128];
    int64_t pause_ms; /* after the next failure */
    /* what others see */
    pthread_mutex_t lock;
    bool is_due; /* from the start */
    struct edge_cluster *cluster;
    struct edge_follower_view view;
};

static void fetch_really(void *ctx, const struct http_call *call, struct arena *arena,
                         struct http_answer *answer)
{
    (void)ctx;
    http_fetch(call, arena, answer);
}

enum rc edge_follower_new(const struct edge_follower_config *config, struct edge_follower **out)
{
    struct edge_follower *f = calloc(1, sizeof *f);
    if (!f) return RC_NOMEM;
    f->config = *config;
    enum rc rc = str_to_cstr(config->address, f->address, sizeof f->address);
    if (rc == RC_OK) rc = str_to_cstr(config->username, f->username, sizeof f->username);
    if (rc == RC_OK) rc = str_to_cstr(config->password, f->password, sizeof f->password);
    if (rc == RC_OK && pthread_mutex_init(&f->lock, NULL) != 0) rc = RC_NOMEM;
    if (rc != RC_OK) {
        crypto_wipe(f->password, sizeof f->password);
        free(f);
        return rc;
    }
    f->config.address = str_from(f->address);
    f->config.username = str_from(f->username);
    f->config.password = str_from(f->password);
    if (!f->config.fetch) f->config.fetch = fetch_really;
    f->pause_ms = EDGE_RETRY_FIRST_MS;
    f->is_due = true;
    f->view.address = f->config.address;
    f->view.since_unix_ms = clock_unix_ms(&f->config.clock);
    *out = f;
    return RC_OK;
}

struct edge_follower *edge_follower_free(struct edge_follower *f)
{
    if (!f) return NULL;
    edge_cluster_unref(f->cluster);
    pthread_mutex_destroy(&f->lock);
    crypto_wipe(f->password, sizeof f->password);
    crypto_wipe(f->pass, sizeof f->pass);
    free(f);
    return NULL;
}

/* ---- one look at the cluster ---- */

/* What a trial finds. */
struct found {
    struct arena arena;
    struct edge_site site;
    struct edge_feed feed;
    struct str release;
    struct edge_problem problem;
};

static enum rc find_begin(const struct edge_follower_config *c, struct found *w)
{
    *w = (struct found){.site = {.address = c->address,
                                 .port = c->port,
                                 .username = c->username,
                                 .password = c->password,
                                 .tls_verify = c->tls_verify,
                                 .fetch = c->fetch ? c->fetch : fetch_really,
                                 .fetch_ctx = c->ctx}};
    arena_init(&w->arena, NULL, 0, ARENA_MAX);
    return c->trust(c->ctx, &w->arena, &w->site.trust_pem);
}

static void find_end(struct found *w)
{
    edge_cluster_unref(w->feed.cluster);
    arena_wipe(&w->arena); /* keys and the password were in it */
}

static enum rc read_release(struct found *w)
{
    const struct xml_node *result;
    enum rc rc = edge_axl_ask(&w->site, "getCCMVersion", NULL, &w->arena, &result, &w->problem);
    if (rc == RC_OK) w->release = xml_text(result, "componentVersion/version");
    return rc;
}

static enum rc print_path(const struct edge_follower_config *c, struct found *w, const char *after,
                          struct buf *out)
{
    struct edge_identity self;
    enum rc rc = c->identity(c->ctx, &w->arena, &self);
    if (rc != RC_OK) return rc;
    buf_put_lit(out, "/api/v1/edge/cluster?edge=");
    form_print_value(out, self.host);
    buf_printf(out, "&refresh=%d", self.token_refresh);
    if (after[0] != '\0') buf_printf(out, "&after=%s", after);
    return buf_rc(out);
}

static enum rc read_feed(const struct edge_follower_config *c, struct found *w, const char *after,
                         struct str pass)
{
    struct str body;
    const char *what;
    char path[1024];
    struct buf b;
    buf_init_fixed(&b, path, sizeof path);
    enum rc rc = print_path(c, w, after, &b);
    if (rc != RC_OK) return rc;
    rc = edge_site_get(&w->site, buf_cstr(&b), pass, &w->arena, &body, &w->problem);
    if (rc == RC_OK) rc = edge_feed_read(body, &w->arena, &w->feed, &what);
    if (rc == RC_MALFORMED) {
        snprintf(w->problem.text, sizeof w->problem.text,
                 "%.*s describes its cluster in a way not understood here (%s)",
                 STR_ARG(w->site.address), what);
        snprintf(w->problem.fix, sizeof w->problem.fix,
                 "Run the same version of Bearline on both sides");
    }
    return rc;
}

/* ---- making the edge known ---- */

#define HOST_TAG        "HostNameOrIP"
#define DESCRIPTION_TAG "description"
#define NAMES_TAG       "X509SubjectNameorSubjectAlternateName"

/* The row of that host, among those the pattern found; NULL. */
static const struct xml_node *row_of(const struct xml_node *result, struct str host)
{
    const struct xml_node *row = xml_find(result, "expresswayCConfiguration");
    while (row && !str_eq_nocase(xml_text(row, HOST_TAG), host))
        row = xml_next_same(row);
    return row;
}

static enum rc push(const struct edge_follower_config *c, struct found *w)
{
    struct edge_identity self;
    const struct xml_node *result;
    enum rc rc = c->identity(c->ctx, &w->arena, &self);
    if (rc != RC_OK) return rc;
    const struct edge_axl_arg search[] = {{HOST_TAG, self.host, "searchCriteria"},
                                          {HOST_TAG, STR(""), "returnedTags"},
                                          {DESCRIPTION_TAG, STR(""), "returnedTags"},
                                          {NAMES_TAG, STR(""), "returnedTags"},
                                          {0}};
    const struct edge_axl_arg add[] = {
        {HOST_TAG, self.host, "expresswayCConfiguration"},
        {DESCRIPTION_TAG, STR(EDGE_DESCRIPTION), "expresswayCConfiguration"},
        {NAMES_TAG, self.names, "expresswayCConfiguration"},
        {0}};
    const struct edge_axl_arg update[] = {{HOST_TAG, self.host, ""},
                                          {DESCRIPTION_TAG, STR(EDGE_DESCRIPTION), ""},
                                          {NAMES_TAG, self.names, ""},
                                          {0}};
    rc = edge_axl_ask(&w->site, "listExpresswayCConfiguration", search, &w->arena, &result,
                      &w->problem);
    if (rc != RC_OK) return rc;
    const struct xml_node *row = row_of(result, self.host);
    if (row && str_eq(xml_text(row, NAMES_TAG), self.names)) return RC_OK;
    rc = edge_axl_ask(&w->site,
                      row ? "updateExpresswayCConfiguration" : "addExpresswayCConfiguration",
                      row ? update : add, &w->arena, &result, &w->problem);
    if (rc == RC_OK)
        log_info(c->log, "ucm.told", LOG_STR("ucm", c->address), LOG_STR("host", self.host),
                 LOG_STR("names", self.names));
    return rc;
}

static enum rc find_all(const struct edge_follower_config *c, struct found *w)
{
    enum rc rc = find_begin(c, w);
    if (rc == RC_OK) rc = read_release(w);
    if (rc == RC_OK) rc = read_feed(c, w, "", STR(""));
    if (rc == RC_OK && !w->feed.cluster) rc = RC_MALFORMED;
    return rc;
}

static void say_rc(struct edge_problem *p, enum rc rc)
{
    if (rc == RC_OK || edge_problem_is(p)) return;
    snprintf(p->text, sizeof p->text, "this edge could not do it (%s)", rc_name(rc));
    snprintf(p->fix, sizeof p->fix, "See this edge's log, its memory and its disk");
}

enum rc edge_follower_try(const struct edge_follower_config *config, struct edge_problem *problem)
{
    struct found w;
    enum rc rc = find_all(config, &w);
    say_rc(&w.problem, rc);
    *problem = w.problem;
    find_end(&w);
    return rc;
}

/* ---- a step ---- */

static void keep_texts(struct edge_follower *f, const struct found *w)
{
    if (w->feed.pass.n > 0 && str_to_cstr(w->feed.pass, f->pass, sizeof f->pass) != RC_OK)
        f->pass[0] = '\0';
    if (str_to_cstr(w->feed.version, f->version, sizeof f->version) != RC_OK) f->version[0] = '\0';
}

/* True: others have something new to see. */
static bool keep(struct edge_follower *f, struct found *w, enum rc rc)
{
    int64_t now_ms = clock_unix_ms(&f->config.clock);
    enum edge_follower_state state = rc == RC_OK ? EDGE_UCM_FOLLOWED : EDGE_UCM_FAILING;
    struct edge_follower_view *v = &f->view;
    pthread_mutex_lock(&f->lock);
    bool is_new = v->state != state || (rc == RC_OK && w->feed.cluster);
    if (v->state != state) v->since_unix_ms = now_ms;
    v->state = state;
    v->problem = w->problem;
    if (rc == RC_OK) {
        v->read_unix_ms = now_ms;
        if (w->release.n > 0 && str_to_cstr(w->release, v->release, sizeof v->release) != RC_OK)
            v->release[0] = '\0';
        if (w->feed.cluster) {
            edge_cluster_unref(f->cluster);
            f->cluster = w->feed.cluster;
            v->node_count = f->cluster->node_count;
            w->feed.cluster = NULL;
        }
    } else {
        f->is_due = true;
    }
    pthread_mutex_unlock(&f->lock);
    return is_new;
}

static void tell_log(const struct edge_follower *f, const struct found *w, enum rc rc, bool had_new,
                     bool is_new)
{
    if (!is_new) return;
    if (rc != RC_OK)
        log_warn(f->config.log, "ucm.failing", LOG_STR("ucm", f->config.address),
                 LOG_CSTR("why", w->problem.text), LOG_CSTR("fix", w->problem.fix));
    else
        log_info(f->config.log, had_new ? "ucm.read" : "ucm.followed",
                 LOG_STR("ucm", f->config.address), LOG_CSTR("version", f->version));
}

static bool take_due(struct edge_follower *f)
{
    pthread_mutex_lock(&f->lock);
    bool is_due = f->is_due;
    f->is_due = false;
    pthread_mutex_unlock(&f->lock);
    return is_due;
}

static enum rc look(struct edge_follower *f, struct found *w)
{
    bool is_due = take_due(f) || f->pass[0] == '\0' || f->version[0] == '\0';
    if (!is_due) {
        enum rc rc = find_begin(&f->config, w);
        if (rc == RC_OK) rc = read_feed(&f->config, w, f->version, str_from(f->pass));
        if (rc != RC_DENIED) return rc;
        find_end(w); /* the pass is over: once more with name and password */
    }
    enum rc rc = find_all(&f->config, w);
    return rc == RC_OK ? push(&f->config, w) : rc;
}

int64_t edge_follower_step(struct edge_follower *f)
{
    struct found w;
    enum rc rc = look(f, &w);
    say_rc(&w.problem, rc);
    if (rc == RC_OK) keep_texts(f, &w);
    bool has_new = rc == RC_OK && w.feed.cluster != NULL;
    bool is_new = keep(f, &w, rc);
    tell_log(f, &w, rc, has_new, is_new);
    find_end(&w);
    if (is_new && f->config.on_change) f->config.on_change(f->config.ctx, f);
    if (rc == RC_OK) {
        f->pause_ms = EDGE_RETRY_FIRST_MS;
        return EDGE_FOLLOW_MS;
    }
    int64_t pause_ms = f->pause_ms;
    f->pause_ms = pause_ms * 2 < EDGE_RETRY_MAX_MS ? pause_ms * 2 : EDGE_RETRY_MAX_MS;
    return pause_ms;
}

/* ---- others ---- */

void edge_follower_renew(struct edge_follower *f)
{
    pthread_mutex_lock(&f->lock);
    f->is_due = true;
    pthread_mutex_unlock(&f->lock);
}

struct edge_cluster *edge_follower_cluster(struct edge_follower *f)
{
    pthread_mutex_lock(&f->lock);
    struct edge_cluster *c = edge_cluster_ref(f->cluster);
    pthread_mutex_unlock(&f->lock);
    return c;
}

void edge_follower_look(struct edge_follower *f, struct edge_follower_view *out)
{
    pthread_mutex_lock(&f->lock);
    *out = f->view;
    pthread_mutex_unlock(&f->lock);
}
