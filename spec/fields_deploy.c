/* fields_deploy.c: what processes may do (`security:`), and replicas and resources as Compose's `deploy:` writes them.
 *
 * Most rows are other spellings of keys of the service: both store in one place, and the decoder complains when they differ.
 * What only a cluster can do is said to have no effect. */
#include "spec/forms.h"

#include "spec/app.h"
#include "spec/decode.h"

static void decode_mode(struct decode_ctx *c, const struct field *f, const struct yaml_node *v,
                        void *out)
{
    int ignored;
    const char *text = decode_text(c, v, "a word");

    (void)out;
    if (text && (strcmp(text, "global") == 0 || strstr(text, "-job")))
        decode_error(c, v, NULL, "`%s` is not supported by this version yet", text);
    else if (text)
        (void)decode_choice(c, f, v, text, &ignored);
}
static const struct form form_mode = {"replicated", decode_mode, NULL, NULL};

// clang-format off
#define TABLE(name, help, rows) {name, help, rows, ARRAY_LEN(rows)}
#define S(member) offsetof(struct service, member)

static const struct choice profiles[] = {
    {"hardened", PROFILE_HARDENED}, {"service", PROFILE_SERVICE}, {"docker", PROFILE_DOCKER}, {NULL, 0}};
static const struct field rows_security[] = {
    {"cap_add", &form_caps, S(cap_add), .help = "capabilities to add to those of the profile", .alias_of = "cap_add"},
    {"cap_drop", &form_caps, S(cap_drop), .help = "capabilities to take from those of the profile", .alias_of = "cap_drop"},
    {"no_new_privileges", &form_bool, S(no_new_privileges), .help = "no process may gain privileges by setuid files", .fallback = "true"},
    {"profile", &form_choice, S(profile), .help = "capabilities to begin with: hardened has NET_BIND_SERVICE alone; service adds what root entrypoints need "
     "(CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID); docker has the engine's own", .choices = profiles, .fallback = "hardened"},
};
const struct table fields_security = TABLE("security", "What the processes of a container may do.", rows_security);

static const struct field rows_limits[] = {
    {"cpus", &form_cpus, S(nano_cpus), .help = "CPUs", .min = 1000000, .max = INT64_MAX, .alias_of = "cpus"},
    {"memory", &form_bytes, S(mem_limit), .help = "memory", .min = 6 * 1024 * 1024, .max = INT64_MAX, .alias_of = "mem_limit"},
    {"pids", &form_int, S(pids_limit), .help = "processes and threads", .min = -1, .max = 4194304, .alias_of = "pids_limit"},
};
const struct table fields_limits = TABLE("limits", "The most that a container may use.", rows_limits);

static const struct field rows_reservations[] = {
    {"cpus", .status = FIELD_IGNORED, .help = "only a cluster can reserve CPUs"},
    {"devices", &form_reserved_devices, 0, .help = "devices that a driver of the engine hands out", .alias_of = "gpus", .table = &fields_gpu},
    {"generic_resources", .status = FIELD_IGNORED, .help = "only a cluster has them"},
    {"memory", &form_bytes, S(mem_reservation), .help = "memory that stays when memory is short", .alias_of = "mem_reservation"},
};
const struct table fields_reservations = TABLE("reservations", "What a container is given first.", rows_reservations);

static const struct field rows_resources[] = {
    {"limits", &form_table, 0, .help = "upper bounds", .table = &fields_limits, .alias_of = "mem_limit, cpus and pids_limit"},
    {"reservations", &form_table, 0, .help = "lower bounds", .table = &fields_reservations, .alias_of = "mem_reservation"},
};
const struct table fields_resources = TABLE("resources", "Memory, CPUs and processes.", rows_resources);

static const struct field rows_restart_policy[] = {
    {"condition", &form_condition, 0, .help = "when to start it again", .choices = restart_conditions, .alias_of = "restart"},
    {"delay", .status = FIELD_IGNORED, .help = "the engine's own back-off applies"},
    {"max_attempts", &form_int, S(restart_max), .help = "attempts with `on-failure`", .min = 0, .max = INT32_MAX, .alias_of = "restart"},
    {"window", .status = FIELD_IGNORED, .help = "the engine's own back-off applies"},
};
const struct table fields_restart_policy = TABLE("restart_policy", "What `restart` says in one word.", rows_restart_policy);

static const struct choice modes[] = {{"replicated", 0}, {NULL, 0}};
static const struct field rows_deploy[] = {
    {"endpoint_mode", .status = FIELD_IGNORED, .help = "it matters to clusters only"},
    {"labels", .status = FIELD_IGNORED, .help = "they label services of a cluster; `labels` of the service label its containers"},
    {"mode", &form_mode, 0, .help = "how many containers there are", .choices = modes, .fallback = "replicated"},
    {"placement", .status = FIELD_IGNORED, .help = "there is one host"},
    {"replicas", &form_int, S(replicas), .help = "number of containers", .min = 0, .max = LIMIT_REPLICAS, .alias_of = "replicas"},
    {"resources", &form_table, 0, .help = "memory, CPUs, processes", .table = &fields_resources, .alias_of = "mem_limit, cpus and pids_limit"},
    {"restart_policy", &form_table, 0, .help = "when to start it again", .table = &fields_restart_policy, .alias_of = "restart"},
    {"rollback_config", .status = FIELD_IGNORED, .help = "a version that does not get healthy never replaces the old one"},
    {"update_config", .status = FIELD_IGNORED, .help = "containers are replaced one by one, the new one first where that is possible"},
};
const struct table fields_deploy = TABLE("deploy", "Replicas and resources as Compose writes them.", rows_deploy);
// clang-format on
