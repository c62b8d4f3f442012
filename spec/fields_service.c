/* fields_service.c: the keys of a service, one row each.
 *
 * Every key of the Compose Specification's service is here: supported, planned, or without effect on a single host (a
 * warning that says why). The checks below are of single values; rules across fields live in validate.c.
 * Source: github.com/compose-spec/compose-spec, 05-services.md. */
#include "spec/forms_secret.h"

#include <arpa/inet.h>

#include "spec/base/arena.h"
#include "spec/decode.h"
#include "spec/desired.h"
#include "spec/draft.h"

/* ---- checks ---- */

static bool check_not_empty(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                            const char *text)
{
    (void)f;
    if (*text)
        return true;
    decode_error(c, v, NULL, "must not be empty");
    return false;
}

static bool check_image(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        const char *text)
{
    (void)f;
    if (image_reference(text, c->arena))
        return true;
    decode_error(c, v, "write [REGISTRY/]NAME[:TAG], all lower case before the tag",
                 "\"%s\" is not a name of an image", text);
    return false;
}

static bool check_signal(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                         const char *text)
{
    static const char *const names[] = {
        "ABRT", "ALRM", "BUS", "CHLD", "CONT", "FPE",    "HUP",   "ILL",  "INT",  "IO",   "KILL",
        "PIPE", "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP",  "SYS",  "TERM", "TRAP", "TSTP",
        "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ"};
    const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    int64_t number;

    (void)f;
    if (parse_int64(text, 1, 64, &number) == 0 || strncmp(name, "RTMIN", 5) == 0 ||
        strncmp(name, "RTMAX", 5) == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    const char *nearest = str_nearest(name, names, ARRAY_LEN(names));

    decode_error(c, v,
                 nearest ? arena_printf(c->arena, "did you mean \"SIG%s\"?", nearest)
                         : "examples: SIGTERM, SIGINT",
                 "\"%s\" is not a signal", text);
    return false;
}

static bool check_container_name(struct decode_ctx *c, const struct field *f,
                                 const struct yaml_node *v, const char *text)
{
    (void)f;
    return form_check_name(c, v, text, "a name of a container", 2);
}

static bool check_hostname(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";

    (void)f;
    if (*text && strlen(text) <= 253 && strspn(text, allowed) == strlen(text) && *text != '-' &&
        *text != '.')
        return true;
    decode_error(c, v, NULL, "\"%s\" is not a host name", text);
    return false;
}

static bool check_ip(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                     const char *text)
{
    unsigned char bytes[16];

    (void)f;
    if (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    decode_error(c, v, NULL, "\"%s\" is not an IP address", text);
    return false;
}

bool mac_address_valid(const char *text)
{
    bool ok = strlen(text) == 17;

    for (size_t i = 0; ok && i < 17; i++)
        ok = i % 3 == 2 ? text[i] == ':' || text[i] == '-'
                        : strchr("0123456789abcdefABCDEF", text[i]) != NULL;
    return ok;
}

static bool check_mac(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                      const char *text)
{
    bool ok = mac_address_valid(text);

    (void)f;
    if (!ok)
        decode_error(c, v, "example: 02:42:ac:11:00:02", "\"%s\" is not a MAC address", text);
    return ok;
}

static bool check_absolute(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           const char *text)
{
    (void)f;
    if (*text == '/')
        return true;
    decode_error(c, v, NULL, "\"%s\": the path must begin with /", text);
    return false;
}

/* text is one of the row's words, or `service:NAME` or `container:NAME` where the row has that word with value 1. */
static bool check_mode(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                       const char *text)
{
    size_t colon = strcspn(text, ":");

    for (const struct choice *o = f->choices; o->word; o++) {
        if (o->value == 1 ? strncmp(o->word, text, colon + 1) == 0 && text[colon + 1]
                          : strcmp(o->word, text) == 0)
            return true;
    }
    CLEANUP(str_release) struct str all = STR_INIT;

    for (const struct choice *o = f->choices; o->word; o++)
        str_addf(&all, "%s\"%s%s\"",
                 o == f->choices ? ""
                 : o[1].word     ? ", "
                                 : " or ",
                 o->word, o->value == 1 ? "NAME" : "");
    decode_error(c, v, NULL, f->choices[1].word ? "\"%s\" is not one of %s" : "\"%s\" is not %s",
                 text, str_text(&all));
    return false;
}

static bool check_platform(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                           const char *text)
{
    size_t os = strcspn(text, "/");

    (void)f;
    if (os > 0 && text[os] == '/' && text[os + 1] &&
        strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789/._-") == strlen(text))
        return true;
    decode_error(c, v, "example: linux/arm64", "\"%s\" is not a platform", text);
    return false;
}

/* ---- pull_policy ---- */

// clang-format off
static const struct choice pulls[] = {{"missing", PULL_MISSING}, {"if_not_present", PULL_MISSING}, {"always", PULL_ALWAYS}, {"never", PULL_NEVER}, {"refresh", PULL_REFRESH}, {NULL, 0}};
// clang-format on
static const struct field pull_words = {.name = "pull_policy", .choices = pulls};
enum { DAY_S = 24 * 3600, PULL_LEAST_S = 60 };
#define NS_PER_S INT64_C(1000000000)

/* "daily", "weekly", "every_12h"; false: it is none of them. */
static bool read_every(struct decode_ctx *c, const struct yaml_node *v, const char *word,
                       struct service *s)
{
    int64_t ns = 0;

    if (strcmp(word, "daily") == 0)
        ns = DAY_S * NS_PER_S;
    else if (strcmp(word, "weekly") == 0)
        ns = 7 * DAY_S * NS_PER_S;
    else if (strncmp(word, "every_", 6) != 0)
        return false;
    else if (parse_duration_ns(word + 6, &ns) < 0 || ns < PULL_LEAST_S * NS_PER_S) {
        decode_error(c, v, "examples: every_12h, every_3d; the least is every_1m",
                     "\"%s\" is not a time between two pulls", word);
        return true;
    }
    s->pull = PULL_REFRESH;
    if (s->pull_every_ns.set && s->pull_every_ns.v != ns)
        decode_error(c, v, "give it once", "differs from `pull_refresh_after`");
    s->pull_every_ns = (struct num){ns, true};
    return true;
}

static void decode_pull(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        void *out)
{
    struct service *s = out;
    const char *word = decode_text(c, v, "a word");
    int value;

    (void)f;
    if (!word || read_every(c, v, word, s))
        return;
    if (strcmp(word, "build") == 0)
        decode_error(c, v, "leave it out: a service with `build` is built when its source changes",
                     "`pull_policy: build` is not supported");
    else if (decode_choice(c, &pull_words, v, word, &value))
        s->pull = (enum pull_policy)value;
}

static bool show_pull(const struct field *f, const void *value, struct str *out)
{
    const struct service *s = value;

    (void)f;
    return s->pull != PULL_MISSING && form_choice.show(&pull_words, &s->pull, out);
}

static const struct form form_pull = {
    "missing, always, never, daily, weekly or every_DURATION", decode_pull, show_pull,
    "{\"type\": \"string\", \"pattern\": "
    "\"^(missing|if_not_present|always|never|refresh|daily|weekly|every_([0-9]+[wdhms])+)$\"}"};

/* ---- rows ---- */

// clang-format off
static const struct choice cgroups[] = {{"host", 0}, {"private", 0}, {NULL, 0}};
static const struct choice ipcs[] = {{"none", 0}, {"private", 0}, {"shareable", 0}, {"host", 0}, {"service:", 1}, {"container:", 1}, {NULL, 0}};
static const struct choice pids[] = {{"host", 0}, {"service:", 1}, {"container:", 1}, {NULL, 0}};
static const struct choice host_only[] = {{"host", 0}, {NULL, 0}};
static const struct choice network_modes[] = {{"none", 0}, {"bridge", 0}, {"host", 0}, {"service:", 1}, {"container:", 1}, {NULL, 0}};

#define S(member) offsetof(struct service_draft, s.member)
#define DRAFT offsetof(struct service_draft, s)
#define PLANNED .status = FIELD_PLANNED
#define UNSUPPORTED(why) .status = FIELD_UNSUPPORTED, .help = why
#define WINDOWS .status = FIELD_IGNORED, .help = "it is for Windows containers"
#define MIB (1024 * 1024)

static const struct field rows_service[] = {
    {"annotations", &form_kvs, S(annotations), .help = "annotations for the container runtime"},
    {"attach", .status = FIELD_IGNORED, .help = "it is about the terminal of `docker compose up`"},
    {"backup", PLANNED, .platform = true},
    {"blkio_config", &form_table, S(blkio), .help = "weights and limits of block devices", .table = &fields_blkio},
    {"build", &form_build, S(build), .help = "folder to build the image from, as Compose writes it", .table = &fields_build, .alias_of = "source"},
    {"cap_add", &form_caps, S(cap_add), .help = "capabilities to add to those of the profile"},
    {"cap_drop", &form_caps, S(cap_drop), .help = "capabilities to take from those of the profile"},
    {"cgroup", &form_text, S(cgroup), .help = "control group namespace", .choices = cgroups, .check = check_mode, .fallback = "the engine's"},
    {"cgroup_parent", &form_text, S(cgroup_parent), .help = "parent control group", .check = check_not_empty},
    {"command", &form_command, S(command), .help = "command instead of the image's; [] for none"},
    {"configs", &form_use_configs, 0, .help = "configs of the app, as files in the container", .alias_of = "volumes"},
    {"container_name", &form_text, S(container_name), .help = "name of the one container", .check = check_container_name, .fallback = "APP-SERVICE-1"},
    {"cpu_count", WINDOWS},
    {"cpu_percent", WINDOWS},
    {"cpu_period", &form_micros, S(cpu_period_us), .help = "length of a scheduling period", .min = 1000, .max = 1000000, .fallback = "100ms"},
    {"cpu_quota", &form_micros, S(cpu_quota_us), .help = "CPU time in each period; instead of `cpus`", .min = 1000, .max = INT64_MAX / 1000},
    {"cpu_rt_period", &form_micros, S(cpu_rt_period_us), .help = "period of the real-time scheduler", .min = 1, .max = 1000000000},
    {"cpu_rt_runtime", &form_micros, S(cpu_rt_runtime_us), .help = "real-time CPU time in each of its periods", .min = 1, .max = 1000000000},
    {"cpu_shares", &form_int, S(cpu_shares), .help = "weight against other containers", .min = 0, .max = 262144, .fallback = "1024"},
    {"cpus", &form_cpus, S(nano_cpus), .help = "CPUs; 0 for no limit", .min = 1000000, .max = INT64_MAX, .compose_fallback = "no limit", .fallback = "0.5"},
    {"cpuset", &form_text, S(cpuset), .help = "CPUs to run on, such as 0-2,5", .check = check_not_empty},
    {"credential_spec", UNSUPPORTED("it is for accounts of Windows; mount a keytab as a secret instead")},
    {"depends_on", &form_depends, DRAFT, .help = "services that must be there first"},
    {"deploy", &form_table, DRAFT, .help = "replicas and resources as Compose writes them", .table = &fields_deploy, .alias_of = "replicas, mem_limit, cpus, pids_limit and restart"},
    {"develop", .status = FIELD_IGNORED, .help = "it is for `docker compose watch`"},
    {"device_cgroup_rules", &form_list, S(device_cgroup_rules), .help = "rules such as \"c 1:3 mr\""},
    {"devices", &form_devices, DRAFT, .help = "devices of the host"},
    {"dns", &form_strings, S(dns), .help = "name servers", .check = check_ip},
    {"dns_opt", &form_list, S(dns_opt), .help = "options for resolv.conf"},
    {"dns_search", &form_strings, S(dns_search), .help = "search domains"},
    {"domainname", &form_text, S(domainname), .help = "domain of the host name", .check = check_hostname},
    {"entrypoint", &form_command, S(entrypoint), .help = "entrypoint instead of the image's; [] for none"},
    {"env_file", &form_env_file, 0, .help = "files of environment variables; `environment` goes before them", .alias_of = "environment"},
    {"environment", &form_environment, DRAFT, .help = "environment variables"},
    {"expose", &form_expose, S(expose), .help = "ports for other containers, as information"},
    {"extends", PLANNED, .help = "what another service says, of this file or another, unless it says so itself"},
    {"external_links", &form_external_links, S(external_links), .help = "names for containers that are not of the app, in networks that both are on: CONTAINER[:ALIAS]"},
    {"extra_hosts", &form_extra_hosts, S(extra_hosts), .help = "further names for /etc/hosts"},
    {"gpus", &form_gpus, DRAFT, .help = "GPUs: all, or which ones", .table = &fields_gpu},
    {"group_add", &form_list, S(group_add), .help = "further groups of the user"},
    {"health", PLANNED, .platform = true},
    {"healthcheck", &form_healthcheck, S(health), .help = "how the engine checks that a container is well", .fallback = "the image's"},
    {"hostname", &form_text, S(hostname), .help = "host name inside", .check = check_hostname, .fallback = "the container's short id"},
    {"image", &form_text, S(image), .help = "name of the image: [REGISTRY/]NAME[:TAG][@DIGEST]", .check = check_image},
    {"init", &form_bool, S(init), .help = "run a small init as process 1", .fallback = "the engine's"},
    {"ipc", &form_text, S(ipc), .help = "IPC namespace", .choices = ipcs, .check = check_mode, .fallback = "the engine's"},
    {"isolation", WINDOWS},
    {"label_file", &form_label_file, 0, .help = "files of labels, KEY=VALUE; `labels` goes before them", .alias_of = "labels"},
    {"labels", &form_labels, S(labels), .help = "labels of the containers"},
    {"links", &form_links, DRAFT, .help = "further names for services: SERVICE[:ALIAS]; they are started first"},
    {"logging", &form_logging, S(logging), .help = "where the output goes", .fallback = "json-file, 3 files of 10 MB"},
    {"mac_address", &form_text, S(mac_address), .help = "MAC address", .check = check_mac},
    {"mem_limit", &form_bytes, S(mem_limit), .help = "memory; 0 for no limit", .min = 6 * MIB, .max = INT64_MAX, .compose_fallback = "no limit", .fallback = "512M"},
    {"mem_reservation", &form_bytes, S(mem_reservation), .help = "memory that stays when memory is short"},
    {"mem_swappiness", &form_int, S(mem_swappiness), .help = "how readily its memory is swapped out; control groups of version 2 have no such thing", .min = 0, .max = 100},
    {"memswap_limit", &form_bytes, S(memswap_limit), .help = "memory and swap together; -1 for no limit of swap", .min = -1, .max = INT64_MAX, .fallback = "mem_limit, which means no swap"},
    {"models", UNSUPPORTED("it is for Docker Desktop's model runner; run the model as a service of its own")},
    {"network_mode", &form_text, S(network_mode), .help = "network namespace", .choices = network_modes, .check = check_mode, .fallback = "the app's networks"},
    {"networks", &form_attach, DRAFT, .help = "networks to take part in", .fallback = "default"},
    {"oom_kill_disable", &form_bool, S(oom_kill_disable), .help = "do not kill when memory runs out"},
    {"oom_score_adj", &form_int, S(oom_score_adj), .help = "preference for being killed", .min = -1000, .max = 1000},
    {"pid", &form_text, S(pid), .help = "process namespace", .choices = pids, .check = check_mode, .fallback = "its own"},
    {"pids_limit", &form_int, S(pids_limit), .help = "processes and threads; -1 for no limit", .min = -1, .max = 4194304, .compose_fallback = "512", .fallback = "100"},
    {"platform", &form_text, S(platform), .help = "platform of the image, such as linux/arm64", .check = check_platform, .fallback = "the engine's"},
    {"port", &form_int, S(port), .help = "port that it listens on", .min = 1, .max = 65535, .fallback = "the image's one EXPOSE, else 8000", .platform = true},
    {"ports", &form_ports, DRAFT, .help = "ports published on the host"},
    {"post_start", &form_hooks, S(post_start), .help = "commands that are run in the container after each start, one after the other; until they have ended well it does not count as started", .table = &fields_hook},
    {"pre_stop", &form_hooks, S(pre_stop), .help = "commands that are run in it before it is stopped; one that fails is noted, and it is stopped all the same", .table = &fields_hook},
    {"privileged", &form_bool, S(privileged), .help = "all capabilities and devices of the host", .fallback = "false"},
    {"profiles", PLANNED, .help = "the service is part of the app if one of them is active: `x-evenkeel: {profiles: [...]}`, or COMPOSE_PROFILES in .env"},
    {"provider", UNSUPPORTED("it starts a program on the host, which evenkeel never does for a spec")},
    {"pull_policy", &form_pull, DRAFT, .help = "when to pull the image; daily, weekly and every_DURATION: again when the last pull is so old, and the container is replaced when that brought another image", .fallback = "missing"},
    {"pull_refresh_after", &form_duration, S(pull_every_ns), .help = "with `pull_policy: refresh`: how old a pull may be", .min = 60 * INT64_C(1000000000), .max = INT64_MAX},
    {"read_only", &form_bool, S(read_only), .help = "the container's own file system cannot be written", .fallback = "false"},
    {"replicas", &form_int, S(replicas), .help = "number of containers", .min = 0, .max = LIMIT_REPLICAS, .fallback = "1", .platform = true},
    {"requirements", &form_text, S(requirements), .help = "file of Python requirements in a source without a Dockerfile", .check = check_not_empty, .fallback = "requirements.txt", .platform = true},
    {"restart", &form_restart, DRAFT, .help = "when the engine starts it again", .fallback = "unless-stopped"},
    {"rollout", PLANNED, .platform = true},
    {"route", &form_route, DRAFT, .help = "where the ingress serves it: /PATH, HOST, HOST/PATH, a mapping, or a list of these", .table = &fields_route, .platform = true},
    {"runtime", &form_text, S(runtime), .help = "container runtime of the engine", .check = check_not_empty, .fallback = "the engine's"},
    {"scale", &form_int, S(replicas), .help = "number of containers", .min = 0, .max = LIMIT_REPLICAS, .alias_of = "replicas"},
    {"secrets", &form_use_secrets, 0, .help = "secrets of the app, as files in /run/secrets", .alias_of = "volumes"},
    {"security", &form_table, DRAFT, .help = "what the processes may do", .table = &fields_security, .platform = true},
    {"security_opt", &form_list, S(security_opt), .help = "security options of the engine", .check = check_not_empty},
    {"shm_size", &form_bytes, S(shm_size), .help = "size of /dev/shm", .min = 1, .max = INT64_MAX, .fallback = "64M"},
    {"source", &form_source, S(build), .help = "what the image is built from", .table = &fields_source, .platform = true},
    {"start", &form_text, S(start), .help = "command that starts a source without a Dockerfile", .check = check_not_empty, .fallback = "what its language usually starts with", .platform = true},
    {"stdin_open", &form_bool, S(stdin_open), .help = "keep standard input open", .fallback = "false"},
    {"stop_grace_period", &form_duration, S(stop_grace_ns), .help = "time between the stop signal and the kill", .fallback = "10s"},
    {"stop_signal", &form_text, S(stop_signal), .help = "signal that asks it to stop", .check = check_signal, .fallback = "the image's, else SIGTERM"},
    {"storage_opt", &form_options, S(storage_opt), .help = "options of the storage driver, such as size"},
    {"sysctls", &form_kvs, S(sysctls), .help = "kernel parameters of the container's namespaces"},
    {"tmpfs", &form_tmpfs, DRAFT, .help = "folders in memory: PATH[:size=64m,mode=1777]", .alias_of = "volumes"},
    {"tty", &form_bool, S(tty), .help = "give it a terminal", .fallback = "false"},
    {"ulimits", &form_ulimits, DRAFT, .help = "limits of the processes"},
    {"update", PLANNED, .platform = true},
    {"use_api_socket", UNSUPPORTED("it hands the whole engine to the container; mount the socket by `volumes` if you mean it")},
    {"user", &form_text, S(user), .help = "user to run as: NAME|UID[:GROUP|GID]", .check = check_not_empty, .fallback = "the image's"},
    {"userns_mode", &form_text, S(userns), .help = "user namespace", .choices = host_only, .check = check_mode, .fallback = "the engine's"},
    {"uts", &form_text, S(uts), .help = "host name namespace", .choices = host_only, .check = check_mode, .fallback = "its own"},
    {"volumes", &form_volumes, DRAFT, .help = "volumes and folders of the host"},
    {"volumes_from", &form_volumes_from, 0, .help = "volumes and folders of another service of the app too: SERVICE[:ro]", .alias_of = "volumes"},
    {"working_dir", &form_text, S(working_dir), .help = "folder the command starts in", .check = check_absolute, .fallback = "the image's"},
    {"workspace", PLANNED, .platform = true},
    {"x-evenkeel", .status = FIELD_REFUSED, .help = "it is for Compose files; here its keys stand at the service itself"},
};
// clang-format on
const struct table fields_service = {"service", "One service: what its containers are made of.",
                                     rows_service, ARRAY_LEN(rows_service)};
