/* sim/node.c - the server under test: a store with users, devices and lines, which all runs share,
 * and for each run a node of several workers without loops. */
#include "sim/sim.h"

#include "base/check.h"
#include "directory/directory.h"
#include "oauth/keyring.h"
#include "oauth/mint.h"
#include "oauth/verify.h"
#include "store/dialplan.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SITE_OAUTH "Sim OAuth"
#define SITE_PLAIN "Sim plain"
#define OK(call)   CHECK((call) == RC_OK)

static const struct store_by admin = {.who = STR_INIT("admin"), .from = STR_INIT("sim")};
static const struct str issuer = STR_INIT("https://node1.example.com:8443");

/* Three lines with OAuth, one of them on two devices; two plain lines, one on two devices. */
const struct sim_device sim_devices[SIM_PHONE_MAX] = {
    {"CSFA", "1001", true, SIPTX_TLS},  {"CSFB", "1002", true, SIPTX_TLS},
    {"CSFC", "1003", true, SIPTX_TLS},  {"CSFD", "1003", true, SIPTX_TLS},
    {"SEPA", "2001", false, SIPTX_UDP}, {"SEPB", "2002", false, SIPTX_TCP},
    {"SEPC", "2003", false, SIPTX_UDP}, {"SEPD", "2003", false, SIPTX_UDP},
};

/* In the order of sim_numbers: always on; where nobody is, on; in a circle; one after the other; all
 * together; on when busy. */
const struct sim_number sim_numbers[SIM_NUMBER_COUNT] = {
    {"1101", 1u << 1}, {"1102", 1u << 2 | 1u << 3}, {"1103", 0},
    {"3000", 0xfu},    {"3001", 1u << 0 | 1u << 1}, {"3002", 1u << 1 | 1u << 2 | 1u << 3},
};

const struct sim_number *sim_number_find(const char *number)
{
    for (unsigned i = 0; i < SIM_NUMBER_COUNT; i++)
        if (strcmp(sim_numbers[i].number, number) == 0) return &sim_numbers[i];
    return NULL;
}

bool sim_number_rings(const char *number, unsigned phone)
{
    const struct sim_number *n = sim_number_find(number);
    return n ? (n->leads_to >> phone & 1u) != 0 : strcmp(number, sim_devices[phone].line) == 0;
}

static void site_profiles(struct sim_site *site)
{
    struct store_why why = {""};
    struct store_profile oauth = store_profile_default(), plain = store_profile_default();
    oauth.name = STR(SITE_OAUTH);
    oauth.security = STORE_ENCRYPTED;
    oauth.transport = STORE_TLS;
    oauth.oauth = true;
    plain.name = STR(SITE_PLAIN);
    plain.security = STORE_NON_SECURE;
    plain.transport = STORE_TCP_UDP;
    OK(store_profile_put(site->store, &admin, STORE_ADD, &oauth, &why));
    OK(store_profile_put(site->store, &admin, STORE_ADD, &plain, &why));
}

static void site_device(struct sim_site *site, const struct sim_device *d, bool is_new_line)
{
    struct store_why why = {""};
    /* Phones are never busy by number here: how many calls they have is the plan of the run. */
    struct store_line line = {.pattern = str_from(d->line), .busy_trigger = STORE_BUSY_TRIGGER_MAX};
    struct store_device_line lines[] = {
        {.index = 1, .pattern = str_from(d->line), .contact = str_from(d->name)}};
    struct store_device device = {.name = str_from(d->name),
                                  .model = 503,
                                  .owner = STR("rado"),
                                  .profile = str_from(d->is_oauth ? SITE_OAUTH : SITE_PLAIN),
                                  .enabled = true,
                                  .lines = lines,
                                  .line_count = 1};
    if (is_new_line) OK(store_line_put(site->store, &admin, STORE_ADD, &line, &why));
    OK(store_device_put(site->store, &admin, STORE_ADD, &device, &why));
}

static void site_line(struct sim_site *site, const char *number, const char *all, const char *none)
{
    struct store_why why = {""};
    struct store_line line = {.pattern = str_from(number),
                              .forward_all = str_from(all),
                              .forward_no_answer = str_from(none),
                              .busy_trigger = STORE_BUSY_TRIGGER_MAX};
    OK(store_line_put(site->store, &admin, STORE_PUT, &line, &why));
}

static void site_group(struct sim_site *site, const char *number, enum store_hunt algorithm,
                       struct str *members, size_t count, const char *then)
{
    struct store_why why = {""};
    struct store_hunt_group group = {.number = str_from(number),
                                     .algorithm = algorithm,
                                     .ring_s = 5,
                                     .forward_no_answer = str_from(then),
                                     .members = members,
                                     .member_count = count};
    OK(store_hunt_group_put(site->store, &admin, STORE_ADD, &group, &why));
}

static void site_plan(struct sim_site *site)
{
    struct str members[] = {STR("1001"), STR("1002"), STR("1003")};
    site_line(site, "1101", "1002", "");
    site_line(site, "1102", "", "1003");
    site_line(site, "1103", "", "");
    site_line(site, "1104", "", "1103");
    site_line(site, "1103", "", "1104");
    site_group(site, "3000", STORE_HUNT_SEQUENTIAL, members, 3, "");
    site_group(site, "3001", STORE_HUNT_PARALLEL, members, 2, "");
    site_group(site, "3002", STORE_HUNT_LONGEST_IDLE, members + 1, 1, "1003");
}

static void site_fill(struct sim_site *site)
{
    struct store_why why = {""};
    struct store_user user = {.id = STR("rado"), .roles = STORE_ROLE_USER, .active = true};
    struct store_node node = {
        .name = STR("UCM"), .host = STR("node1.example.com"), .ports = store_ports_default()};
    struct store_line nobody = {.pattern = STR("2009")}; /* a line no device has */
    OK(store_user_put(site->store, &admin, STORE_ADD, &user, &why));
    OK(store_node_put(site->store, &admin, STORE_ADD, &node, &why));
    OK(store_line_put(site->store, &admin, STORE_ADD, &nobody, &why));
    OK(store_param_put(site->store, &admin, STR("ClusterSIPOAuthMode"), STR("1"), 0, &why));
    site_profiles(site);
    for (unsigned i = 0; i < SIM_PHONE_MAX; i++)
        site_device(site, &sim_devices[i],
                    i == 0 || strcmp(sim_devices[i].line, sim_devices[i - 1].line) != 0);
    site_plan(site);
}

static void site_token(struct sim_site *site)
{
    struct buf out;
    int64_t now = site->time.unix_ms / 1000;
    struct oauth_mint mint = {
        .format = OAUTH_FORMAT_SIGNED,
        .signing = {.kid = STR("k1"), .alg = jose_key_alg(site->key), .key = site->key},
        .random = &site->random,
        .audience = STR("sip"),
    };
    struct oauth_claims claims = {.issuer = issuer,
                                  .subject = STR("rado"),
                                  .client_id = STR("bearline-phone"),
                                  .scope = STR("sip"),
                                  .jti = STR("grant-1"),
                                  .gid = STR("grant-1"),
                                  .issued_unix_s = now - 60,
                                  .expires_unix_s = now + 36000};
    buf_init_fixed(&out, site->token, sizeof site->token - 1);
    OK(oauth_mint_print(&out, &mint, &claims));
    site->token[out.n] = '\0';
}

static void site_verifier(struct sim_site *site)
{
    struct oauth_keyring *ring;
    struct oauth_own_spec own = {.issuer = issuer,
                                 .audience = STR("sip"),
                                 .scope = STR("sip"),
                                 .accept = OAUTH_FORMAT_SIGNED,
                                 .leeway_s = 30,
                                 .longest_token_s = 86400};
    struct oauth_verifier_settings settings = {.cache_capacity = 64, .revoked_capacity = 64};
    OK(crypto_key_generate(CRYPTO_KEY_EC_P256, &site->key));
    OK(oauth_keyring_new(&own, &ring));
    OK(oauth_keyring_add_signing_key(ring, STR("k1"), site->key));
    OK(oauth_verifier_new(&settings, ring, &site->verifier));
}

struct sim_site *sim_site_new(void)
{
    struct sim_site *site = calloc(1, sizeof *site);
    struct store_why why = {""};
    CHECK(site != NULL);
    site->clock = kit_clock(&site->time);
    site->random = kit_random(&site->seed, 1);
    snprintf(site->folder, sizeof site->folder, "/tmp/bearline-sim-XXXXXX");
    CHECK(mkdtemp(site->folder) != NULL);
    struct store_config config = {
        .folder = site->folder, .clock = site->clock, .random = site->random};
    OK(store_open(&config, &site->store, &why));
    site_fill(site);
    OK(directory_new(site->store, &site->random, &site->directory, &why));
    site_verifier(site);
    site_token(site);
    return site;
}

struct sim_site *sim_site_free(struct sim_site *site)
{
    char command[128];
    oauth_verifier_free(site->verifier);
    crypto_key_unref(site->key);
    directory_free(site->directory);
    store_close(site->store);
    snprintf(command, sizeof command, "rm -rf %s", site->folder);
    CHECK(system(command) == 0);
    free(site);
    return NULL;
}

/* ---- one run's node ---- */

static void node_tick(void *ctx)
{
    struct sim *s = ctx;
    call_node_tick(s->node.node);
    sim_start(s, &s->node.tick, 1000, node_tick, s);
}

static void node_worker(struct sim *s, unsigned i)
{
    struct sim_node *n = &s->node;
    OK(call_worker_new(n->node, &n->workers[i]));
    struct siptx_config config = {.worker = i,
                                  .clock = s->site->clock,
                                  .wheel = s->wheel,
                                  .random = s->random,
                                  .node = n->stacks,
                                  .takes_posts = true,
                                  .events = call_worker_events(n->workers[i])};
    OK(siptx_stack_new(&config, &n->stack[i]));
    call_worker_attach(n->workers[i], n->stack[i]);
}

void sim_node_open(struct sim *s)
{
    struct sim_node *n = &s->node;
    struct location_config lc = {0};
    OK(location_new(&lc, &s->random, s->site->time.mono_ms, &n->location));
    n->stacks = siptx_node_new();
    CHECK(n->stacks != NULL);
    struct call_node_config config = {.directory = s->site->directory,
                                      .location = n->location,
                                      .verifier = s->site->verifier,
                                      .stacks = n->stacks,
                                      .clock = s->site->clock,
                                      .random = s->random,
                                      .node_name = STR("UCM")};
    OK(call_node_new(&config, &n->node));
    OK(call_node_set_authz_server(n->node, issuer));
    for (unsigned i = 0; i < SIM_WORKER_COUNT; i++)
        node_worker(s, i);
    node_tick(s);
}

void sim_node_close(struct sim *s)
{
    struct sim_node *n = &s->node;
    wheel_stop(s->wheel, &n->tick);
    for (unsigned i = 0; i < SIM_WORKER_COUNT; i++)
        n->stack[i] = siptx_stack_free(n->stack[i]);
    for (unsigned i = 0; i < SIM_WORKER_COUNT; i++)
        n->workers[i] = call_worker_free(n->workers[i]);
    n->node = call_node_free(n->node);
    n->stacks = siptx_node_free(n->stacks);
    n->location = location_free(n->location);
}
