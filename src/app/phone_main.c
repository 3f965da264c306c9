/* bearline-phone: signs in, registers a line with its token, and keeps it registered. */
#include "base/buf.h"
#include "crypto/random.h"
#include "media/device.h"
#include "net/loop.h"
#include "phone/agent.h"
#include "phone/login.h"
#include "phone/status.h"
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
    "Usage: bearline-phone COMMAND [OPTIONS]\n"
    "\n"
    "Commands\n"
    "  login    sign in at the authorization server, in the browser or with a password file\n"
    "  run      fetch the configuration, register, stay registered until stopped\n"
    "  status   tell whether the phone is registered (exit code 0) or not (3)\n"
    "  logout   revoke the sign-in and remove it from this machine\n"
    "\n"
    "Profile (all commands)\n"
    "  --profile NAME         one phone of several on this machine (default: default)\n"
    "  --state DIR            keep everything in DIR instead of the profile's folder\n"
    "\n"
    "login\n"
    "  --edge HOST[:PORT]     from outside, here and for run and logout: HTTPS by this outer edge\n"
    "                         (port 8443); --server is not needed then\n"
    "  --server URL           the call server, https://HOST[:8443]\n"
    "  --device NAME          the device this phone is, for example CSFrado\n"
    "  --ca FILE              trust this CA (PEM) and no other; a copy is kept\n"
    "  --no-browser           only print the sign-in address\n"
    "  --user NAME            with --password-file: sign in without a browser\n"
    "  --password-file FILE   file with the password; - reads standard input\n"
    "\n"
    "run\n"
    "  --config-https         fetch the configuration over HTTPS with the token (port 6972)\n"
    "  --config-url URL       fetch it from there\n"
    "  --edge-sip HOST[:PORT] from outside: SIP by this outer edge (port 5061), whatever --edge\n"
    "                         says; up to three, in the order they are tried\n"
    "  --dialect D            cisco (default) or standard (RFC 8898)\n"
    "  --once-registered      exit with 0 after the first registration, or with its problem\n"
    "  --for SECONDS          stop after that time\n"
    "  --keep-trying          also after refusals that only an administrator can cure\n"
    "  --backoff SECONDS      first wait after a round of failures (default 10)\n"
    "  --do SCRIPT            make calls by script, then stop; see bearline-phone(1):\n"
    "                         'call 1020; wait answered; play hello.wav; hangup'\n"
    "  --interactive          call and answer by keys; calls are shown below the log\n"
    "  --answer               answer every call at once\n"
    "  --audio DEVICE         ALSA device for microphone and loudspeaker (default: none,\n"
    "                         with --interactive \"default\"); \"list\" prints what there is\n"
    "  --codec NAME           opus, PCMA or PCMU alone (default: all)\n"
    "  --suite NAME           this SRTP suite alone, for example AEAD_AES_128_GCM\n"
    "                         (default: all)\n"
    "  --srtp-only            no call that is not encrypted, also where the server allows one\n"
    "  --quiet                no log\n"
    "  --trace                also print whole messages, tokens masked\n"
    "  --trace-file FILE      print them there\n"
    "  --sip-user NAME        lines with a SIP password: user name (default: the device's owner)\n"
    "  --sip-password-file F  lines with a SIP password: file with it\n"
    "  --cert FILE --key FILE lines with a client certificate: the device's\n"
    "  --device, --server, --ca   for such lines without a sign-in\n"
    "\n"
    "status\n"
    "  --json                 as JSON\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Exit codes are listed in bearline-phone(1).\n";

enum option_id {
    OPT_PROFILE = 256,
    OPT_STATE,
    OPT_SERVER,
    OPT_DEVICE,
    OPT_CA,
    OPT_NO_BROWSER,
    OPT_USER,
    OPT_PASSWORD_FILE,
    OPT_CONFIG_HTTPS,
    OPT_CONFIG_URL,
    OPT_EDGE,
    OPT_EDGE_SIP,
    OPT_DIALECT,
    OPT_ONCE,
    OPT_FOR,
    OPT_KEEP_TRYING,
    OPT_BACKOFF,
    OPT_DO,
    OPT_INTERACTIVE,
    OPT_ANSWER,
    OPT_AUDIO,
    OPT_CODEC,
    OPT_SUITE,
    OPT_SRTP_ONLY,
    OPT_QUIET,
    OPT_TRACE,
    OPT_TRACE_FILE,
    OPT_SIP_USER,
    OPT_SIP_PASSWORD_FILE,
    OPT_CERT,
    OPT_KEY,
    OPT_JSON,
};

static const struct option options[] = {
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"state", required_argument, NULL, OPT_STATE},
    {"server", required_argument, NULL, OPT_SERVER},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"ca", required_argument, NULL, OPT_CA},
    {"no-browser", no_argument, NULL, OPT_NO_BROWSER},
    {"user", required_argument, NULL, OPT_USER},
    {"password-file", required_argument, NULL, OPT_PASSWORD_FILE},
    {"config-https", no_argument, NULL, OPT_CONFIG_HTTPS},
    {"config-url", required_argument, NULL, OPT_CONFIG_URL},
    {"edge", required_argument, NULL, OPT_EDGE},
    {"edge-sip", required_argument, NULL, OPT_EDGE_SIP},
    {"dialect", required_argument, NULL, OPT_DIALECT},
    {"once-registered", no_argument, NULL, OPT_ONCE},
    {"for", required_argument, NULL, OPT_FOR},
    {"keep-trying", no_argument, NULL, OPT_KEEP_TRYING},
    {"backoff", required_argument, NULL, OPT_BACKOFF},
    {"do", required_argument, NULL, OPT_DO},
    {"interactive", no_argument, NULL, OPT_INTERACTIVE},
    {"answer", no_argument, NULL, OPT_ANSWER},
    {"audio", required_argument, NULL, OPT_AUDIO},
    {"codec", required_argument, NULL, OPT_CODEC},
    {"suite", required_argument, NULL, OPT_SUITE},
    {"srtp-only", no_argument, NULL, OPT_SRTP_ONLY},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"trace", no_argument, NULL, OPT_TRACE},
    {"trace-file", required_argument, NULL, OPT_TRACE_FILE},
    {"sip-user", required_argument, NULL, OPT_SIP_USER},
    {"sip-password-file", required_argument, NULL, OPT_SIP_PASSWORD_FILE},
    {"cert", required_argument, NULL, OPT_CERT},
    {"key", required_argument, NULL, OPT_KEY},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

#define PROFILE_DEFAULT "default"

struct arguments {
    const char *command, *profile, *state, *trace_file;
    bool trace, json, done; /* done: help or version was asked for */
    char edge[PHONE_TEXT_MAX];
    struct phone_login login;
    struct phone_agent_config run;
};

static enum phone_exit usage(const char *what, const char *which)
{
    fprintf(stderr, "bearline-phone: %s%s. See bearline-phone --help.\n", what, which);
    return PHONE_EXIT_USAGE;
}

static enum phone_exit take_number(const char *text, const char *name, uint32_t *out)
{
    uint64_t v;
    if (str_to_u64(str_from(text), 10000000, &v) != RC_OK || v == 0)
        return usage("not a number of seconds for ", name);
    *out = (uint32_t)v;
    return PHONE_EXIT_OK;
}

static enum phone_exit take_dialect(const char *text, enum phone_dialect *out)
{
    if (strcmp(text, "cisco") == 0)
        *out = PHONE_DIALECT_CISCO;
    else if (strcmp(text, "standard") == 0)
        *out = PHONE_DIALECT_STANDARD;
    else
        return usage("--dialect is cisco or standard, not ", text);
    return PHONE_EXIT_OK;
}

static enum phone_exit take_codec(const char *text, struct phone_agent_config *run)
{
    for (int i = 0; i < MEDIA_CODEC_COUNT; i++) {
        const struct media_codec_info *info = media_codec_info((enum media_codec)i);
        if (!str_eq_nocase(str_from(text), info->name)) continue;
        run->has_codec = true;
        run->codec = (enum media_codec)i;
        return PHONE_EXIT_OK;
    }
    return usage("--codec is opus, PCMA or PCMU, not ", text);
}

static enum phone_exit take_suite(const char *text, enum media_suite *out)
{
    for (int i = MEDIA_SUITE_NONE + 1; i < MEDIA_SUITE_COUNT; i++) {
        if (!str_eq(str_from(text), media_suite_name((enum media_suite)i))) continue;
        *out = (enum media_suite)i;
        return PHONE_EXIT_OK;
    }
    return usage("--suite is AEAD_AES_256_GCM, AEAD_AES_128_GCM, AES_CM_128_HMAC_SHA1_80 or "
                 "AES_CM_128_HMAC_SHA1_32, not ",
                 text);
}

static void list_devices(void)
{
    struct buf names;
    buf_init(&names, 65536);
    media_device_print_names(&names);
    if (names.n == 0)
        puts("This machine has no sound device; --audio none, files and scripts work.");
    if (names.n > 0) fwrite(names.p, 1, names.n, stdout);
    buf_fini(&names);
}

static enum phone_exit take_edge_sip(const char *value, struct phone_agent_config *run)
{
    if (run->edge_count == PHONE_NODE_MAX)
        return usage("--edge-sip: three are enough, not also ", value);
    run->edges[run->edge_count++] = value;
    return PHONE_EXIT_OK;
}

static enum phone_exit take_edge(const char *value, struct arguments *a)
{
    if (phone_server_url(value, a->edge) != RC_OK)
        return usage("--edge wants HOST or HOST:PORT, not ", value);
    a->login.edge = a->run.fetch.edge = a->edge;
    return PHONE_EXIT_OK;
}

static enum phone_exit take_option(int id, const char *value, struct arguments *a)
{
    switch (id) {
    case OPT_PROFILE: a->profile = value; break;
    case OPT_STATE: a->state = value; break;
    case OPT_SERVER: a->login.server = a->run.server = value; break;
    case OPT_DEVICE: a->login.device = a->run.device = value; break;
    case OPT_CA: a->login.ca_file = a->run.ca_file = value; break;
    case OPT_NO_BROWSER: a->login.no_browser = true; break;
    case OPT_USER: a->login.user = value; break;
    case OPT_PASSWORD_FILE: a->login.password_file = value; break;
    case OPT_CONFIG_HTTPS: a->run.fetch.https = true; break;
    case OPT_CONFIG_URL: a->run.fetch.url = value; break;
    case OPT_EDGE: return take_edge(value, a);
    case OPT_EDGE_SIP: return take_edge_sip(value, &a->run);
    case OPT_DIALECT: return take_dialect(value, &a->run.dialect);
    case OPT_ONCE: a->run.once_registered = true; break;
    case OPT_FOR: return take_number(value, "--for", &a->run.for_s);
    case OPT_KEEP_TRYING: a->run.keep_trying = true; break;
    case OPT_BACKOFF: return take_number(value, "--backoff", &a->run.backoff_base_s);
    case OPT_DO: a->run.script = value; break;
    case OPT_INTERACTIVE: a->run.interactive = true; break;
    case OPT_ANSWER: a->run.auto_answer = true; break;
    case OPT_AUDIO:
        a->run.audio = value;
        a->done = strcmp(value, "list") == 0;
        if (a->done) list_devices();
        break;
    case OPT_CODEC: return take_codec(value, &a->run);
    case OPT_SUITE: return take_suite(value, &a->run.suite);
    case OPT_SRTP_ONLY: a->run.srtp_only = true; break;
    case OPT_QUIET: a->run.log_fd = -1; break;
    case OPT_TRACE: a->trace = true; break;
    case OPT_TRACE_FILE: a->trace_file = value; break;
    case OPT_SIP_USER: a->run.sip_user = value; break;
    case OPT_SIP_PASSWORD_FILE: a->run.sip_password_file = value; break;
    case OPT_CERT: a->run.cert_file = value; break;
    case OPT_KEY: a->run.key_file = value; break;
    case OPT_JSON: a->json = true; break;
    case 'h':
        fputs(help, stdout);
        a->done = true;
        break;
    case 'V':
        puts("bearline-phone " BEARLINE_VERSION);
        a->done = true;
        break;
    default:
        fputs("See bearline-phone --help.\n", stderr); /* getopt has said what is wrong */
        return PHONE_EXIT_USAGE;
    }
    return PHONE_EXIT_OK;
}

static enum phone_exit read_arguments(int argc, char **argv, struct arguments *a)
{
    int id;
    while (!a->done && (id = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
        enum phone_exit exit = take_option(id, optarg, a);
        if (exit != PHONE_EXIT_OK) return exit;
    }
    if (a->done) return PHONE_EXIT_OK;
    if (optind == argc) return usage("what to do? login, run, status or logout", "");
    a->command = argv[optind++];
    return optind == argc ? PHONE_EXIT_OK : usage("not understood: ", argv[optind]);
}

/* ---- commands ---- */

static enum phone_exit tell(enum phone_exit exit, const struct phone_problem *problem)
{
    if (exit != PHONE_EXIT_OK) fprintf(stderr, "bearline-phone: %s\n", problem->text);
    return exit;
}

/* " --state DIR" as it was given, for the commands that sentences name. */
static void print_place(const struct arguments *a, char *out, size_t cap)
{
    if (a->state)
        snprintf(out, cap, " --state %s", a->state);
    else if (strcmp(a->profile, PROFILE_DEFAULT) != 0)
        snprintf(out, cap, " --profile %s", a->profile);
    else
        out[0] = '\0';
}

static enum phone_exit open_state(struct arguments *a, bool create, struct phone_state *s)
{
    struct phone_problem problem = {0};
    char path[PHONE_STATE_PATH_MAX], place[PHONE_STATE_PATH_MAX + 16];
    print_place(a, place, sizeof place);
    if (!a->state) {
        if (phone_state_default(a->profile, path) != RC_OK)
            return usage("no folder for the profile: set HOME or give --state DIR", "");
        a->state = path;
    }
    char absolute[PHONE_STATE_PATH_MAX];
    enum rc rc = phone_state_open(s, a->state, create, &problem);
    a->state = NULL;
    if (rc == RC_OK) {
        if (realpath(s->path, absolute)) /* sentences name it whole */
            memcpy(s->path, absolute, sizeof s->path);
        return PHONE_EXIT_OK;
    }
    if (rc == RC_NOT_FOUND)
        phone_problem_set(&problem, PHONE_EXIT_NOT_SIGNED_IN,
                          "Nobody has signed in here. Run: bearline-phone login --server "
                          "https://HOST:8443 --device NAME%s",
                          place);
    return tell(problem.code != PHONE_EXIT_OK ? problem.code : PHONE_EXIT_STATE, &problem);
}

static enum phone_exit do_login(struct arguments *a)
{
    struct phone_problem problem = {0};
    struct phone_state state;
    if ((!a->login.server && !a->login.edge) || !a->login.device)
        return usage("login needs --server URL (or --edge HOST) and --device NAME", "");
    char place[PHONE_STATE_PATH_MAX + 16];
    print_place(a, place, sizeof place);
    enum phone_exit exit = open_state(a, true, &state);
    if (exit != PHONE_EXIT_OK) return exit;
    a->login.clock = net_clock_real();
    a->login.random = crypto_random_system();
    exit = phone_login(&a->login, &state, &problem);
    if (exit == PHONE_EXIT_OK)
        fprintf(stderr, "Signed in at %s as %s. Next: bearline-phone run%s%s%s\n",
                a->login.server ? a->login.server : a->login.edge, a->login.device, place,
                a->login.edge ? " --edge " : "", a->login.edge ? a->login.edge : "");
    phone_state_close(&state);
    return tell(exit, &problem);
}

static enum phone_exit open_trace(const struct arguments *a, int *fd)
{
    *fd = a->trace ? STDERR_FILENO : -1;
    if (!a->trace_file) return PHONE_EXIT_OK;
    *fd = open(a->trace_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return *fd >= 0 ? PHONE_EXIT_OK : usage("cannot write ", a->trace_file);
}

static enum phone_exit run_locked(struct arguments *a, struct phone_state *state)
{
    struct phone_problem problem = {0};
    enum rc rc = phone_state_lock(state);
    if (rc == RC_EXISTS)
        phone_problem_set(&problem, PHONE_EXIT_RUNNING,
                          "A phone runs with %s already. Use another --profile, or stop it.",
                          state->path);
    else if (rc != RC_OK)
        phone_problem_set(&problem, PHONE_EXIT_STATE, "%s cannot be locked.", state->path);
    if (rc != RC_OK) return tell(problem.code, &problem);
    enum phone_exit exit = open_trace(a, &a->run.trace_fd);
    if (exit != PHONE_EXIT_OK) return exit;
    a->run.state = state;
    if (a->run.interactive && !a->run.audio) a->run.audio = "default";
    if (a->run.audio && strcmp(a->run.audio, "none") == 0) a->run.audio = NULL;
    a->run.random = crypto_random_system();
    exit = phone_agent_run(&a->run, &problem);
    if (a->trace_file) close(a->run.trace_fd);
    if (a->run.log_fd < 0) return tell(exit, &problem); /* else the log's last line says it */
    return exit;
}

static enum phone_exit do_run(struct arguments *a)
{
    struct phone_state state;
    enum phone_exit exit = open_state(a, a->run.device != NULL, &state);
    if (exit != PHONE_EXIT_OK) return exit;
    exit = run_locked(a, &state);
    phone_state_close(&state);
    return exit;
}

static void print_status(const struct arguments *a, const struct phone_status *st, bool running)
{
    struct buf b;
    struct secret json = {0};
    buf_init(&b, 65536);
    if (a->json) {
        if (phone_status_print_json(st, &json) == RC_OK) printf("%s\n", (const char *)json.p);
    } else {
        struct clock clock = net_clock_real();
        phone_status_print(&b, st, running, clock_unix_s(&clock));
        fputs(buf_cstr(&b), stdout);
    }
    secret_fini(&json);
    buf_fini(&b);
}

static enum phone_exit do_status(struct arguments *a)
{
    struct phone_state state;
    struct phone_status st = {0};
    struct phone_tokens tokens = {0};
    enum phone_exit exit = open_state(a, false, &state);
    if (exit != PHONE_EXIT_OK)
        return exit == PHONE_EXIT_NOT_SIGNED_IN ? PHONE_EXIT_NOT_REGISTERED : exit;
    bool running = phone_state_is_locked(&state);
    if (phone_status_load(&state, &st) != RC_OK) st = (struct phone_status){0};
    if (phone_tokens_load(&state, &tokens) == RC_OK) { /* newer than what a run has left */
        snprintf(st.device, sizeof st.device, "%s", tokens.device);
        st.token_until_unix_s = tokens.access_until_unix_s;
    }
    st.is_registered = st.is_registered && running;
    print_status(a, &st, running);
    phone_tokens_fini(&tokens);
    phone_state_close(&state);
    return st.is_registered ? PHONE_EXIT_OK : PHONE_EXIT_NOT_REGISTERED;
}

static enum phone_exit do_logout(struct arguments *a)
{
    struct phone_problem problem = {0};
    struct phone_state state;
    enum phone_exit exit = open_state(a, false, &state);
    if (exit != PHONE_EXIT_OK) return exit;
    if (phone_state_is_locked(&state))
        exit = phone_problem_set(&problem, PHONE_EXIT_RUNNING,
                                 "A phone runs with %s. Stop it first.", state.path);
    else
        exit = phone_logout(&state, a->login.edge, &problem);
    phone_state_close(&state);
    if (exit == PHONE_EXIT_OK) fputs("Signed out.\n", stderr);
    return tell(exit, &problem);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum phone_exit (*fn)(struct arguments *a);
    } commands[] = {
        {"login", do_login}, {"run", do_run}, {"status", do_status}, {"logout", do_logout}};
    struct arguments a = {.profile = PROFILE_DEFAULT,
                          .run = {.log_fd = STDERR_FILENO, .trace_fd = -1}};
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    enum phone_exit exit = read_arguments(argc, argv, &a);
    if (exit != PHONE_EXIT_OK || a.done) return (int)exit;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(a.command, commands[i].name) == 0) return (int)commands[i].fn(&a);
    return (int)usage("no such command: ", a.command);
}
