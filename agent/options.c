/* Flags, environment, configuration file, defaults: in this order, the first that speaks is heard.
 *
 * Comes in: argv of one verb. Goes out: struct options with absolute paths. One table row per flag is parsed, checked and
 * documented from the same place. Refuses flags that the verb does not take, rather than ignoring them. */
#include "agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/config.h"
#include "spec/limits.h"

#define DEFAULT_ROOT "/etc/evenkeel/apps"
#define DEFAULT_STATE "/var/lib/evenkeel"
#define DEFAULT_CONFIG "/etc/evenkeel/agent.yaml"
#define DEFAULT_DOCKER "unix:///var/run/docker.sock"
#define DEFAULT_LISTEN "127.0.0.1:5001"

struct flag {
    const char *name;
    char letter;
    uint64_t bit;
    const char *value; /* name of its value in help; NULL: takes none */
    const char *help;
};

static const struct flag flags[] = {
    {"root", 'r', OPT_ROOT, "DIR",
     "directory of specs; may be given several times (default " DEFAULT_ROOT ")"},
    {"state", 's', OPT_STATE, "DIR",
     "where the agent keeps overrides and history (default " DEFAULT_STATE ")"},
    {"docker", 'H', OPT_DOCKER, "URL",
     "engine: unix:///path, tcp://host:port, https://host:port (default: DOCKER_HOST, "
     "else " DEFAULT_DOCKER ")"},
    {"config", 'c', OPT_CONFIG, "FILE", "configuration file (default " DEFAULT_CONFIG ")"},
    {"name", 0, OPT_NAME, "OWNER", "owner label of this agent's objects (default \"default\")"},
    {"listen", 0, OPT_LISTEN, "ADDR:PORT",
     "where the agent answers HTTP (default " DEFAULT_LISTEN "; none: nowhere)"},
    {"app", 0, OPT_APP, "APP", "for this app alone"},
    {"scope", 0, OPT_SCOPE, "SCOPE", "what it may do: read, deploy or admin (default read)"},
    {"expires", 0, OPT_EXPIRES, "TIME",
     "how long it is good: 30d, 12h, a time, or never (default 90d)"},
    {"to", 0, OPT_TO, "URL", "where the agent answers (default: EVENKEEL_URL)"},
    {"route", 0, OPT_ROUTE, "ROUTE", "where it is reached: /blog or blog.example.org"},
    {"token-file", 0, OPT_TOKEN_FILE, "FILE", "where the token is (default: EVENKEEL_TOKEN)"},
    {"timeout", 0, OPT_TIMEOUT, "TIME", "how long to wait until it is well (default 15m)"},
    {"file", 0, OPT_FILE, "FILE", "take the value from FILE instead of standard input"},
    {"json", 'j', OPT_JSON, NULL, "one JSON document instead of text"},
    {"dot", 0, OPT_DOT, NULL, "the actions as a Graphviz graph"},
    {"verbose", 'v', OPT_VERBOSE, NULL, "also what needs nothing done"},
    {"follow", 'f', OPT_FOLLOW, NULL, "go on as new lines come, until Ctrl-C"},
    {"tail", 'n', OPT_TAIL, "N", "only the last N lines (default 100; \"all\" for everything)"},
    {"since", 0, OPT_SINCE, "TIME", "only from this time on: 10m, 2h, or 2026-11-22T10:00:00Z"},
    {"timestamps", 't', OPT_TIMESTAMPS, NULL, "put the time before each line"},
    {"for", 0, OPT_FOR, "TIME", "how long: 30m, 1h, 2h30m (default: until `evenkeel release`)"},
    {"confirm-removals", 0, OPT_CONFIRM, "HASH",
     "release the held removals whose plan printed HASH"},
    {"limit", 'l', OPT_LIMIT, "N", "at most N entries (default 20)"},
    {"pass", 0, OPT_PASS, "N", "the saved pass of this number (default: the newest)"},
    {"actions", 'a', OPT_ACTIONS, NULL, "also each action of each run"},
    {"build", 'b', OPT_BUILD, NULL,
     "what was said while it was built, instead of what it says (all of it, or the last lines)"},
    {"dockerfile", 0, OPT_DOCKERFILE, NULL, "the Dockerfile that it is built with"},
    {"dry-run", 0, OPT_DRY_RUN, NULL, "only say what would be done"},
    {"volumes", 0, OPT_VOLUMES, NULL,
     "its volumes too: they go into quarantine, and are deleted when their time there is over"},
    {"html", 0, OPT_HTML, NULL, "one HTML page that stands by itself"},
    {"junit", 0, OPT_JUNIT, NULL, "JUnit XML, for CI servers"},
    {"drift", 0, OPT_DRIFT, NULL, "what somebody else changed, and when it was put right"},
    {"size", 0, OPT_SIZE, NULL, "also how large each is (the engine counts file by file)"},
    {"yes-delete-data", 0, OPT_DELETE_DATA, NULL, "said for `purge`, which cannot be undone"},
    {"log", 0, OPT_LOG, "LEVEL", "error, warning, info or debug (default info)"},
};

static const struct flag *flag_of(int index)
{
    return &flags[index];
}

static int number(const char *flag, const char *text, int64_t min, int64_t max, int *ret,
                  struct err *e)
{
    int64_t v;
    if (parse_int64(text, min, max, &v) < 0)
        return err_set(e, ERR_USER, "--%s wants a number from %lld to %lld, not \"%s\"", flag,
                       (long long)min, (long long)max, text);
    *ret = (int)v;
    return 0;
}

static int take(const struct flag *f, const char *value, struct arena *a, struct options *o,
                struct err *e)
{
    switch (f->bit) {
    case OPT_ROOT: strv_push(a, &o->roots, value); return 0;
    case OPT_STATE: o->state = value; return 0;
    case OPT_DOCKER: o->docker = value; return 0;
    case OPT_CONFIG:
        o->config = value;
        o->config_given = true;
        return 0;
    case OPT_NAME: o->settings.owner = value; return 0;
    case OPT_LISTEN: o->listen = value; return 0;
    case OPT_APP: o->app = value; return 0;
    case OPT_FILE: o->file = value; return 0;
    case OPT_SCOPE: o->scope = value; return 0;
    case OPT_EXPIRES: o->expires = value; return 0;
    case OPT_TO: o->to = value; return 0;
    case OPT_ROUTE: o->route = value; return 0;
    case OPT_TOKEN_FILE: o->token_file = value; return 0;
    case OPT_TIMEOUT: o->timeout = value; return 0;
    case OPT_JSON: o->json = true; return 0;
    case OPT_DOT: o->dot = true; return 0;
    case OPT_VERBOSE: o->verbose = true; return 0;
    case OPT_FOLLOW: o->follow = true; return 0;
    case OPT_TIMESTAMPS: o->timestamps = true; return 0;
    case OPT_ACTIONS: o->actions = true; return 0;
    case OPT_BUILD: o->build = true; return 0;
    case OPT_DOCKERFILE: o->dockerfile = true; return 0;
    case OPT_DRY_RUN: o->dry_run = true; return 0;
    case OPT_VOLUMES: o->volumes = true; return 0;
    case OPT_HTML: o->html = true; return 0;
    case OPT_JUNIT: o->junit = true; return 0;
    case OPT_DRIFT: o->drift = true; return 0;
    case OPT_SIZE: o->size = true; return 0;
    case OPT_DELETE_DATA: o->delete_data = true; return 0;
    case OPT_TAIL:
        o->tail_given = true;
        if (strcmp(value, "all") == 0) {
            o->tail = -1;
            return 0;
        }
        return number(f->name, value, 0, 1000000, &o->tail, e);
    case OPT_LIMIT: return number(f->name, value, 1, 100000, &o->limit, e);
    case OPT_SINCE: o->since = value; return 0;
    case OPT_FOR: o->for_time = value; return 0;
    case OPT_CONFIRM: o->confirm = value; return 0;
    case OPT_PASS: o->pass = value; return 0;
    case OPT_LOG:
        if (log_level_parse(value, &o->log) < 0)
            return err_set(e, ERR_USER, "--log wants error, warning, info or debug, not \"%s\"",
                           value);
        return 0;
    default: return err_set(e, ERR_BUG, "--%s has no place", f->name);
    }
}

static int parse_flags(int argc, char **argv, uint64_t allowed, struct arena *a, struct options *o,
                       struct err *e)
{
    struct option longs[ARRAY_LEN(flags) + 2] = {{0}};
    char shorts[ARRAY_LEN(flags) * 2 + 4] = ":h";
    size_t at = 2;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        longs[i] = (struct option){flags[i].name, flags[i].value ? required_argument : no_argument,
                                   NULL, 1000 + (int)i};
        if (flags[i].letter && (allowed & flags[i].bit)) {
            shorts[at++] = flags[i].letter;
            if (flags[i].value)
                shorts[at++] = ':';
        }
    }
    shorts[at] = '\0';
    longs[ARRAY_LEN(flags)] = (struct option){"help", no_argument, NULL, 'h'};
    optind = 0;
    opterr = 0;
    int c;
    while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct flag *f = NULL;
        if (c == 'h') {
            o->help = true;
            return 0;
        }
        if (c == ':')
            return err_set(e, ERR_USER, "%s wants a value; see `evenkeel %s --help`",
                           argv[optind - 1], argv[0]);
        if (c == '?')
            return err_set(e, ERR_USER, "unknown flag %s; see `evenkeel %s --help`",
                           argv[optind - 1], argv[0]);
        for (size_t i = 0; i < ARRAY_LEN(flags); i++)
            if (c == 1000 + (int)i || c == flags[i].letter)
                f = flag_of((int)i);
        if (!f || !(f->bit & allowed))
            return err_set(e, ERR_USER,
                           "`evenkeel %s` does not take --%s; see `evenkeel %s --help`", argv[0],
                           f ? f->name : "that", argv[0]);
        if (take(f, optarg, a, o, e) < 0)
            return -1;
    }
    for (int i = optind; i < argc; i++)
        strv_push(a, &o->words, argv[i]);
    return 0;
}

static int from_environment(struct arena *a, struct options *o, struct err *e)
{
    static const struct {
        const char *variable;
        uint64_t bit;
    } rows[] = {
        {"EVENKEEL_STATE", OPT_STATE},   {"EVENKEEL_DOCKER", OPT_DOCKER},
        {"EVENKEEL_CONFIG", OPT_CONFIG}, {"EVENKEEL_NAME", OPT_NAME},
        {"EVENKEEL_LISTEN", OPT_LISTEN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *v = getenv(rows[i].variable);
        if (!v || !*v)
            continue;
        if ((rows[i].bit == OPT_STATE && o->state) || (rows[i].bit == OPT_DOCKER && o->docker) ||
            (rows[i].bit == OPT_CONFIG && o->config) ||
            (rows[i].bit == OPT_NAME && o->settings.owner) ||
            (rows[i].bit == OPT_LISTEN && o->listen))
            continue;
        for (size_t f = 0; f < ARRAY_LEN(flags); f++)
            if (flags[f].bit == rows[i].bit && take(&flags[f], v, a, o, e) < 0)
                return -1;
    }
    const char *roots = getenv("EVENKEEL_ROOT"); /* several with ':' between, like PATH */
    if (roots && *roots && o->roots.n == 0) {
        char *copy = arena_strdup(a, roots), *save = NULL;
        for (char *r = strtok_r(copy, ":", &save); r; r = strtok_r(NULL, ":", &save))
            strv_push(a, &o->roots, r);
    }
    const char *level = getenv("EVENKEEL_LOG");
    if (level && *level && o->log == (enum log_level) - 1 && log_level_parse(level, &o->log) < 0)
        return err_set(e, ERR_USER, "EVENKEEL_LOG wants error, warning, info or debug, not \"%s\"",
                       level);
    return 0;
}

static int from_config(struct arena *a, struct diag_list *diags, struct options *o, struct err *e)
{
    const char *text;
    size_t n;
    ingress_defaults(&o->settings.ingress);
    if (!o->config)
        o->config = DEFAULT_CONFIG;
    if (fsx_read(o->config, LIMIT_SPEC_BYTES, a, &text, &n, NULL, e) < 0) {
        if (e->kind == ERR_MISSING && !o->config_given) {
            o->config = NULL;
            e->kind = ERR_NONE;
            return 0;
        }
        return err_wrap(e, "configuration");
    }
    struct config c;
    if (config_parse(o->config, text, n, a, diags, &c) < 0)
        return err_set(e, ERR_USER, "the configuration file %s has errors", o->config);
    if (o->roots.n == 0)
        o->roots = c.roots;
    if (!o->state)
        o->state = c.state;
    if (!o->docker)
        o->docker = c.docker;
    if (!o->settings.owner)
        o->settings.owner = c.name;
    if (!o->listen)
        o->listen = c.listen;
    if (o->log == (enum log_level) - 1 && c.log_level)
        (void)log_level_parse(c.log_level, &o->log);
    o->settings.ingress = c.ingress;
    o->settings.policy = c.policy;
    o->settings.pool = c.pool;
    o->settings.pool_prefix = c.pool_prefix;
    o->settings.mem_limit = c.mem_limit;
    o->settings.nano_cpus = c.nano_cpus;
    o->settings.pids_limit = c.pids_limit;
    o->settings.drift = c.drift;
    o->settings.build_allow = c.build_allow;
    o->settings.build_timeout_ms = c.build_timeout_ns.v / 1000000;
    o->notify = c.notify;
    o->settings.quarantine_ms = c.quarantine_ns.v / 1000000;
    o->settings.build_limits = (struct build_limits){
        .total_bytes = c.max_size.v,
        .file_bytes = c.max_file.v,
        .entries = (int)c.max_entries.v,
        .path_bytes = (int)c.max_path.v,
        .depth = (int)c.max_depth.v,
        .ratio = (int)c.max_ratio.v,
        .time_ms = c.read_timeout_ns.v / 1000000,
    };
    return 0;
}

static void fill_defaults(struct arena *a, struct options *o)
{
    const char *v;
    if (o->roots.n == 0)
        strv_push(a, &o->roots, DEFAULT_ROOT);
    if (!o->state)
        o->state = DEFAULT_STATE;
    if (!o->docker && (v = getenv("DOCKER_HOST")) && *v)
        o->docker = v;
    if (!o->docker)
        o->docker = DEFAULT_DOCKER;
    if ((v = getenv("DOCKER_CERT_PATH")) && *v)
        o->docker_certs = v;
    if ((v = getenv("DOCKER_TLS_VERIFY")) && *v)
        o->docker_tls = true;
    if ((v = getenv("DOCKER_CONFIG")) && *v)
        o->auth_dir = v;
    else if ((v = getenv("HOME")) && *v)
        o->auth_dir = fsx_join(v, ".docker", a);
    if (!o->settings.owner)
        o->settings.owner = "default";
    if (!o->listen)
        o->listen = DEFAULT_LISTEN;
    if (!o->settings.pool)
        o->settings.pool = "10.213.0.0/16";
    if (!o->settings.pool_prefix)
        o->settings.pool_prefix = 26;
    if (o->settings.drift == DRIFT_UNSET)
        o->settings.drift = DRIFT_HEAL;
    if (o->log == (enum log_level) - 1)
        o->log = LOG_INFO;
    o->state = fsx_absolute(o->state, a);
    o->settings.ingress.dir = fsx_join(o->state, "ingress", a);
    o->settings.ingress.acme_dir = fsx_join(o->state, "ingress-acme", a);
}

static int check_owner(const struct options *o, struct err *e)
{
    if (!app_name_valid(o->settings.owner))
        return err_set(e, ERR_USER,
                       "the agent's name \"%s\" must be a DNS label: a-z, 0-9 and inner '-', at "
                       "most %d characters",
                       o->settings.owner, LIMIT_APP_NAME);
    return 0;
}

static int check_listen(const struct options *o, struct arena *a, struct err *e)
{
    const char *why;
    if (strcmp(o->listen, "none") == 0 || listen_parse(o->listen, a, NULL, NULL, &why) == 0)
        return 0;
    return err_set(e, ERR_USER, "--listen %s: %s, or `none`", o->listen, why);
}

int options_parse(int argc, char **argv, uint64_t allowed, struct arena *a, struct diag_list *diags,
                  struct options *ret, struct err *e)
{
    struct options o = {.tail = 100, .limit = 20, .log = (enum log_level) - 1};
    if (parse_flags(argc, argv, allowed, a, &o, e) < 0)
        return -1;
    if (!o.help) {
        if (from_environment(a, &o, e) < 0 || from_config(a, diags, &o, e) < 0)
            return -1;
        fill_defaults(a, &o);
        if (check_owner(&o, e) < 0 || check_listen(&o, a, e) < 0)
            return -1;
    }
    *ret = o;
    return 0;
}

void options_help(uint64_t allowed, struct str *out)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        const struct flag *f = &flags[i];
        if (!(f->bit & allowed))
            continue;
        CLEANUP(str_release) struct str left = STR_INIT;
        if (f->letter)
            str_addf(&left, "-%c, ", f->letter);
        else
            str_add(&left, "    ");
        str_addf(&left, "--%s%s%s", f->name, f->value ? " " : "", f->value ? f->value : "");
        str_addf(out, "  %-28s %s\n", str_text(&left), f->help);
    }
}
