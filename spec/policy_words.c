/* policy_words.c: the names of all ways to reach the host, and what is decided about each key.
 *
 * Two tables. A key that is not in the second one fails a test, so that no new key comes in without a decision. */
#include "spec/policy.h"

#include <string.h>

#include "spec/base/attr.h"
#include "spec/base/str.h"

// clang-format off
const struct policy_word policy_words[] = {
    {"adopt",               "PROJECT",    "it takes over containers of somebody else"},
    {"annotations",         "KEY",        "it speaks to the container runtime, which runs as root on the host"},
    {"build_network",       "host",       "it lets the build reach what listens on the host alone"},
    {"build_tags",          "IMAGE",      "it gives an image a name that another app may run"},
    {"cap_add",             "CAPABILITY", "it is more than profile `service` has"},
    {"cgroup",              "host",       "it shows the host's control groups"},
    {"cgroup_parent",       NULL,         "it leaves the limits of its own control group"},
    {"cpu_rt_runtime",      NULL,         "it takes CPU time before the host's own processes"},
    {"device_cgroup_rules", NULL,         "it opens devices of the host"},
    {"devices",             "PATH",       "it opens a device of the host"},
    {"docker.sock",         NULL,         "who talks to the engine owns the host"},
    {"driver",              "NAME",       "it makes networks or volumes by a plugin, or on the host's own network"},
    {"driver_opts",         NULL,         "it can mount anything, or reach into the host's network"},
    {"external",            "NAME",       "it uses what belongs to somebody else"},
    {"external_links",      "CONTAINER",  "it reaches a container of somebody else"},
    {"gpus",                NULL,         "it opens devices of the host"},
    {"ipam",                NULL,         "it takes addresses away from the host's routes"},
    {"ipc",                 "MODE",       "it shares memory with the host or with another app"},
    {"logging",             "DRIVER",     "it sends output away with the engine's rights"},
    {"network_mode",        "MODE",       "it leaves its own networks"},
    {"no_new_privileges",   NULL,         "it lets setuid programs gain privileges"},
    {"oom_kill_disable",    NULL,         "it has others killed when memory runs out"},
    {"oom_score_adj",       NULL,         "below 0 it has others killed when memory runs out"},
    {"pid",                 "MODE",       "it sees, and may signal, processes of the host or of another app"},
    {"privileged",          NULL,         "it is root on the host"},
    {"profile",             "docker",     "it has more capabilities than profile `service`"},
    {"propagation",         "MODE",       "its mounts appear on the host"},
    {"runtime",             "NAME",       "it chooses what runs the container"},
    {"secrets",             "NAME",       "it reads a secret that every app of the operator may use"},
    {"security_opt",        "OPTION",     "it changes what the kernel forbids"},
    {"source",              "PATH",       "it builds from folders that are not its own"},
    {"sysctls",             "KEY",        "it sets parameters of the kernel"},
    {"ulimits",             "NAME",       "it takes CPU time before the host's own processes"},
    {"userns_mode",         "host",       "root inside is then root outside"},
    {"uts",                 "host",       "it may rename the host"},
    {"volumes",             "PATH",       "it mounts a folder or file of the host"},
    {NULL, NULL, NULL},
};

#define INSIDE  "it stays inside the container"
#define OWN     "it is about the app's own objects"
#define LIMIT   "resources of one container are the spec's to say"
#define CLAIM   "who has it already keeps it"
#define ROUTE   "the rules for routes decide"
#define WISH    "it is about the agent's own work"
#define BUILD   "it stays inside the build"
#define READS   "no file is read for a confined app but its own"
#define PARTS   "its parts are judged"

const struct policy_field policy_fields[] = {
    {"app", "adopt", "adopt", NULL}, {"app_flat", "adopt", "adopt", NULL}, {"compose_app", "adopt", "adopt", NULL},
    {"app", "app", NULL, CLAIM}, {"app", "compose-project", NULL, "it is a label"}, {"app", "drift", NULL, WISH}, {"app", "networks", NULL, PARTS},
    {"app", "restarted-at", NULL, WISH}, {"app", "services", NULL, PARTS}, {"app", "state", NULL, WISH}, {"app", "volumes", NULL, PARTS},
    {"app_flat", "app", NULL, CLAIM}, {"app_flat", "compose-project", NULL, "it is a label"}, {"app_flat", "drift", NULL, WISH}, {"app_flat", "restarted-at", NULL, WISH},
    {"app_flat", "state", NULL, WISH},
    {"compose", "networks", NULL, PARTS}, {"compose", "services", NULL, PARTS}, {"compose", "volumes", NULL, PARTS},
    {"compose_app", "compose-project", NULL, "it is a label"}, {"compose_app", "drift", NULL, WISH}, {"compose_app", "profiles", NULL, PARTS},
    {"compose_app", "restarted-at", NULL, WISH}, {"compose_app", "state", NULL, WISH},
    {"override", "by", NULL, WISH}, {"override", "drift", NULL, WISH}, {"override", "hold", NULL, WISH}, {"override", "override", NULL, WISH},
    {"override", "restarted-at", NULL, WISH}, {"override", "revision", NULL, WISH}, {"override", "state", NULL, WISH}, {"override", "until", NULL, WISH}, {"override", "volumes", NULL, OWN},

    {"service", "annotations", "annotations", NULL},
    {"service", "cap_add", "cap_add", NULL},
    {"service", "cap_drop", NULL, "it takes away"},
    {"service", "cgroup", "cgroup", NULL},
    {"service", "cgroup_parent", "cgroup_parent", NULL},
    {"service", "command", NULL, INSIDE},
    {"service", "container_name", NULL, CLAIM},
    {"service", "cpu_shares", NULL, LIMIT},
    {"service", "cpus", NULL, LIMIT},
    {"service", "cpuset", NULL, LIMIT},
    {"service", "depends_on", NULL, OWN},
    {"service", "device_cgroup_rules", "device_cgroup_rules", NULL},
    {"service", "devices", "devices", NULL},
    {"service", "dns", NULL, INSIDE},
    {"service", "dns_opt", NULL, INSIDE},
    {"service", "dns_search", NULL, INSIDE},
    {"service", "domainname", NULL, INSIDE},
    {"service", "entrypoint", NULL, INSIDE},
    {"service", "environment", NULL, INSIDE},
    {"service", "expose", NULL, "it is information"},
    {"service", "extra_hosts", NULL, INSIDE},
    {"service", "group_add", NULL, INSIDE},
    {"service", "healthcheck", NULL, INSIDE},
    {"service", "hostname", NULL, INSIDE},
    {"service", "image", NULL, "what runs is confined, whatever it is"},
    {"service", "init", NULL, INSIDE},
    {"service", "ipc", "ipc", NULL},
    {"service", "labels", NULL, "prefixes of the agent, Compose and Traefik are refused to everybody"},
    {"service", "logging", "logging", NULL},
    {"service", "mac_address", NULL, OWN},
    {"service", "mem_limit", NULL, LIMIT},
    {"service", "mem_reservation", NULL, LIMIT},
    {"service", "memswap_limit", NULL, LIMIT},
    {"service", "network_mode", "network_mode", NULL},
    {"service", "networks", NULL, OWN},
    {"service", "oom_kill_disable", "oom_kill_disable", NULL},
    {"service", "oom_score_adj", "oom_score_adj", NULL},
    {"service", "pid", "pid", NULL},
    {"service", "pids_limit", NULL, LIMIT},
    {"service", "platform", NULL, INSIDE},
    {"service", "port", NULL, ROUTE},
    {"service", "ports", NULL, CLAIM},
    {"hook", "command", NULL, INSIDE}, {"hook", "environment", NULL, INSIDE}, {"hook", "privileged", "privileged", NULL},
    {"hook", "user", NULL, INSIDE}, {"hook", "working_dir", NULL, INSIDE}, {"hook", "x-timeout", NULL, WISH},
    {"service", "privileged", "privileged", NULL},
    {"service", "pull_policy", NULL, WISH},
    {"service", "pull_refresh_after", NULL, WISH},
    {"service", "read_only", NULL, "it takes away"},
    {"service", "replicas", NULL, LIMIT},
    {"service", "requirements", NULL, BUILD},
    {"service", "restart", NULL, OWN},
    {"service", "runtime", "runtime", NULL},
    {"service", "security_opt", "security_opt", NULL},
    {"service", "shm_size", NULL, LIMIT},
    {"service", "start", NULL, INSIDE},
    {"service", "stdin_open", NULL, INSIDE},
    {"service", "stop_grace_period", NULL, OWN},
    {"service", "stop_signal", NULL, INSIDE},
    {"service", "sysctls", "sysctls", NULL},
    {"service", "tty", NULL, INSIDE},
    {"service", "ulimits", "ulimits", NULL},
    {"service", "user", NULL, INSIDE},
    {"service", "userns_mode", "userns_mode", NULL},
    {"service", "uts", "uts", NULL},
    {"service", "volumes", "volumes", NULL},
    {"service", "working_dir", NULL, INSIDE},
    {"security", "no_new_privileges", "no_new_privileges", NULL},
    {"security", "profile", "profile", NULL},

    {"network", "attachable", NULL, OWN}, {"network", "driver", "driver", NULL}, {"network", "driver_opts", "driver_opts", NULL},
    {"network", "enable_ipv6", NULL, OWN}, {"network", "external", "external", NULL}, {"network", "internal", NULL, "it takes away"},
    {"network", "labels", NULL, "prefixes of the agent, Compose and Traefik are refused to everybody"}, {"network", "name", NULL, CLAIM},
    {"ipam", "config", "ipam", NULL}, {"ipam", "driver", "ipam", NULL},
    {"ipam_config", "gateway", "ipam", NULL}, {"ipam_config", "ip_range", "ipam", NULL}, {"ipam_config", "subnet", "ipam", NULL},
    {"volume", "driver", "driver", NULL}, {"volume", "driver_opts", "driver_opts", NULL}, {"volume", "external", "external", NULL},
    {"volume", "labels", NULL, "prefixes of the agent, Compose and Traefik are refused to everybody"}, {"volume", "name", NULL, CLAIM},

    {"port", "host_ip", NULL, CLAIM}, {"port", "protocol", NULL, CLAIM}, {"port", "published", NULL, CLAIM}, {"port", "target", NULL, INSIDE},
    {"mount", "read_only", NULL, "it takes away"}, {"mount", "source", "volumes", NULL}, {"mount", "target", NULL, INSIDE}, {"mount", "type", "volumes", NULL},
    {"mount_bind", "create_host_path", "volumes", NULL}, {"mount_bind", "propagation", "propagation", NULL},
    {"mount_volume", "nocopy", NULL, OWN}, {"mount_volume", "subpath", NULL, OWN},
    {"mount_tmpfs", "mode", NULL, INSIDE}, {"mount_tmpfs", "size", NULL, LIMIT},
    {"healthcheck", "disable", NULL, INSIDE}, {"healthcheck", "interval", NULL, INSIDE}, {"healthcheck", "retries", NULL, INSIDE},
    {"healthcheck", "start_interval", NULL, INSIDE}, {"healthcheck", "start_period", NULL, INSIDE}, {"healthcheck", "test", NULL, INSIDE},
    {"healthcheck", "timeout", NULL, INSIDE},
    {"logging", "driver", "logging", NULL}, {"logging", "options", NULL, "of json-file, local and none; other drivers are judged"},
    {"ulimit", "hard", "ulimits", NULL}, {"ulimit", "soft", "ulimits", NULL},
    {"device", "permissions", "devices", NULL}, {"device", "source", "devices", NULL}, {"device", "target", "devices", NULL},
    {"depend", "condition", NULL, OWN}, {"depend", "required", NULL, OWN}, {"depend", "restart", NULL, OWN},
    {"attach", "aliases", NULL, OWN}, {"attach", "ipv4_address", NULL, OWN}, {"attach", "ipv6_address", NULL, OWN},
    {"env_file", "format", NULL, INSIDE}, {"env_file", "path", NULL, READS}, {"env_file", "required", NULL, INSIDE},
    {"use", "source", NULL, OWN}, {"use", "target", NULL, INSIDE},
    {"secret", "environment", NULL, "it is text of its own"}, {"secret", "external", "secrets", NULL}, {"secret", "file", NULL, READS}, {"secret", "name", "secrets", NULL},
    {"config_entry", "content", NULL, "it is text of its own"}, {"config_entry", "environment", NULL, "it is text of its own"},
    {"config_entry", "external", "secrets", NULL}, {"config_entry", "file", NULL, READS}, {"config_entry", "name", "secrets", NULL},

    {"source", "extra_hosts", NULL, BUILD}, {"source", "no_cache", NULL, BUILD}, {"source", "shm_size", NULL, LIMIT}, {"source", "tags", "build_tags", NULL}, {"source", "ulimits", "ulimits", NULL},
    {"build", "extra_hosts", NULL, BUILD}, {"build", "no_cache", NULL, BUILD}, {"build", "platforms", NULL, BUILD}, {"build", "shm_size", NULL, LIMIT}, {"build", "tags", "build_tags", NULL}, {"build", "ulimits", "ulimits", NULL},
    {"source", "args", NULL, BUILD}, {"source", "builder", NULL, BUILD}, {"source", "bundle", "source", NULL}, {"source", "cache_from", NULL, BUILD},
    {"source", "dockerfile", NULL, BUILD}, {"source", "dockerfile_inline", NULL, BUILD}, {"source", "labels", NULL, BUILD},
    {"source", "network", "build_network", NULL}, {"source", "path", "source", NULL}, {"source", "strategy", NULL, BUILD}, {"source", "target", NULL, BUILD},
    {"build", "args", NULL, BUILD}, {"build", "cache_from", NULL, BUILD}, {"build", "context", "source", NULL}, {"build", "dockerfile", NULL, BUILD},
    {"build", "dockerfile_inline", NULL, BUILD}, {"build", "labels", NULL, BUILD}, {"build", "network", "build_network", NULL}, {"build", "target", NULL, BUILD},
    {"deploy", "mode", NULL, LIMIT},

    {"route", "host", NULL, ROUTE}, {"route", "insecure_skip_verify", NULL, ROUTE}, {"route", "path", NULL, ROUTE}, {"route", "port", NULL, ROUTE},
    {"route", "priority", NULL, ROUTE}, {"route", "scheme", NULL, ROUTE}, {"route", "strip", NULL, ROUTE},
    {"route_basic_auth", "secret", NULL, ROUTE}, {"route_headers", "request", NULL, ROUTE}, {"route_headers", "response", NULL, ROUTE},
    {"route_health", "interval", NULL, ROUTE}, {"route_health", "path", NULL, ROUTE}, {"route_health", "status", NULL, ROUTE}, {"route_health", "timeout", NULL, ROUTE},
    {"route_middlewares", "compress", NULL, ROUTE}, {"route_middlewares", "ip_allow_list", NULL, ROUTE}, {"route_middlewares", "max_body", NULL, ROUTE},
    {"route_rate_limit", "average", NULL, ROUTE}, {"route_rate_limit", "burst", NULL, ROUTE}, {"route_rate_limit", "period", NULL, ROUTE},
    {"route_redirect", "permanent", NULL, ROUTE}, {"route_redirect", "to", NULL, ROUTE}, {"route_retry", "attempts", NULL, ROUTE},
    {"route_sticky", "cookie", NULL, ROUTE}, {"route_tls", "cert", NULL, ROUTE}, {"route_tls", "key", NULL, ROUTE},
    {"attach", "driver_opts", "driver_opts", NULL}, {"attach", "gw_priority", NULL, OWN}, {"attach", "interface_name", NULL, INSIDE},
    {"attach", "link_local_ips", NULL, OWN}, {"attach", "mac_address", NULL, OWN}, {"attach", "priority", NULL, OWN},
    {"blkio", "weight", NULL, LIMIT}, {"blkio_bps", "path", NULL, LIMIT}, {"blkio_bps", "rate", NULL, LIMIT}, {"blkio_rate", "path", NULL, LIMIT},
    {"blkio_rate", "rate", NULL, LIMIT}, {"blkio_weight", "path", NULL, LIMIT}, {"blkio_weight", "weight", NULL, LIMIT},
    {"gpu", "capabilities", "gpus", NULL}, {"gpu", "count", "gpus", NULL}, {"gpu", "device_ids", "gpus", NULL}, {"gpu", "driver", "gpus", NULL},
    {"gpu", "options", "gpus", NULL},
    {"ipam", "options", "ipam", NULL}, {"ipam_config", "aux_addresses", "ipam", NULL}, {"network", "enable_ipv4", NULL, OWN},
    {"service", "cpu_period", NULL, LIMIT}, {"service", "cpu_quota", NULL, LIMIT}, {"service", "cpu_rt_period", NULL, LIMIT},
    {"service", "cpu_rt_runtime", "cpu_rt_runtime", NULL}, {"service", "external_links", "external_links", NULL}, {"service", "links", NULL, OWN},
    {"service", "mem_swappiness", NULL, LIMIT}, {"service", "storage_opt", NULL, LIMIT},
    {"use", "gid", NULL, INSIDE}, {"use", "mode", NULL, INSIDE}, {"use", "uid", NULL, INSIDE},
    {NULL, NULL, NULL, NULL},
};
const size_t n_policy_fields = ARRAY_LEN(policy_fields) - 1;
// clang-format on

const struct policy_word *policy_word_find(const char *word, size_t n)
{
    for (const struct policy_word *w = policy_words; w->word; w++)
        if (strncmp(w->word, word, n) == 0 && w->word[n] == '\0')
            return w;
    return NULL;
}

void policy_page(struct str *out)
{
    str_add(out, "| word in `policy:` | it may name | why it is refused |\n|---|---|---|\n");
    for (const struct policy_word *w = policy_words; w->word; w++) {
        str_addf(out, "| `%s` | ", w->word);
        if (w->value)
            str_addf(out, "`%s:%s`", w->word, w->value);
        str_addf(out, " | %s |\n", w->reach);
    }
}
