/* forms.h: every way a value may be written. Each form decodes into the type named beside it (at the row's offset) and
 * shows it canonically; see struct form. */
#ifndef EK_FORMS_H
#define EK_FORMS_H

#include "spec/fields.h"

struct str;

/* ---- forms_scalar.c ---- */
extern const struct form form_text;     /* const char * */
extern const struct form form_bool;     /* enum tri */
extern const struct form form_flag;     /* bool */
extern const struct form form_int;      /* struct num, row's bounds */
extern const struct form form_bytes;    /* struct num, bytes */
extern const struct form form_duration; /* struct num, nanoseconds */
extern const struct form form_cpus;     /* struct num, billionths */
extern const struct form form_time;     /* int64_t, milliseconds since 1970 */
extern const struct form form_choice;   /* an enum, row's choices */
extern const struct form form_octal;    /* struct num */
extern const struct form form_path;     /* const char *, absolute against the file's folder */
extern const struct form form_table;    /* an embedded struct, row's table */

/* For a row's check: a name as the engine takes them, of least to 128 characters; `what` begins the complaint: "a name of a container". */
bool form_check_name(struct decode_ctx *c, const struct yaml_node *v, const char *text,
                     const char *what, size_t least);

/* ---- forms_list.c ---- */
extern const struct form form_strings;     /* struct strv; one text or a list */
extern const struct form form_list;        /* struct strv; a list only */
extern const struct form form_kvs;         /* struct kvs; a mapping or a list of KEY=VALUE */
extern const struct form form_labels;      /* struct kvs; the same, reserved prefixes refused */
extern const struct form form_options;     /* struct kvs; a mapping only */
extern const struct form form_command;     /* struct command; a text split into words, or a list */
extern const struct form form_environment; /* struct service: environment, environment_inherit */
extern const struct form form_extra_hosts; /* struct kvs */
extern const struct form form_caps;        /* struct strv; names of capabilities, sorted, unique */
extern const struct form form_expose;      /* struct strv; "80/tcp", ranges expanded */

/* Six pairs of hexadecimal digits with `:` or `-` between. */
bool mac_address_valid(const char *text);

/* Complains at v about keys that are not a user's. */
bool label_allowed(struct decode_ctx *c, const struct yaml_node *v, const char *key);

/* ---- forms_port.c: over struct service ---- */
extern const struct form form_ports;

/* ---- forms_mount.c: over struct service, both add to mounts ---- */
extern const struct form form_volumes;
extern const struct form form_tmpfs;
extern const struct table fields_mount, fields_mount_bind, fields_mount_volume, fields_mount_tmpfs;

/* ---- forms_service.c: over struct service unless said otherwise ---- */
extern const struct form form_ulimits;
extern const struct form form_depends;
extern const struct form form_attach;      /* networks of a service */
extern const struct form form_healthcheck; /* struct healthcheck */
extern const struct form form_test;        /* struct command */
extern const struct form form_logging;     /* struct logging */
extern const struct form form_restart;     /* restart, restart_max */
extern const struct form form_condition;   /* deploy.restart_policy.condition: restart */
extern const struct choice restart_conditions[];
extern const struct form form_env_file; /* struct service_draft: env_sources */
extern const struct table fields_port, fields_ulimit, fields_depend, fields_attach,
    fields_healthcheck, fields_logging, fields_env_file;

/* ---- forms_device.c: over struct service ---- */
extern const struct form form_devices;          /* devices; those of CDI go to gpus */
extern const struct form form_gpus;             /* gpus; both add */
extern const struct form form_reserved_devices; /* deploy.resources.reservations.devices: gpus */
extern const struct table fields_device, fields_gpu;

/* ---- forms_hook.c ---- */
extern const struct form form_hooks; /* struct hooks */
extern const struct table fields_hook;

/* ---- forms_blkio.c ---- */
extern const struct form form_micros; /* struct num, microseconds */
extern const struct table fields_blkio, fields_blkio_rate, fields_blkio_bps,
    fields_blkio_weight; /* over struct blkio */

/* ---- forms_link.c: over struct service_draft ---- */
extern const struct form form_links;
extern const struct form form_external_links; /* struct strv: "CONTAINER:ALIAS" */
extern const struct form form_volumes_from;
extern const struct form form_label_file;

/* ---- forms_build.c: over struct build ---- */
extern const struct form form_source; /* evenkeel's own */
extern const struct form form_build;  /* Compose's: a folder, or a mapping */
extern const struct table fields_source, fields_build;

/* ---- forms_route.c: over struct service ---- */
extern const struct form form_route;
extern const struct table fields_route, fields_route_tls, fields_route_sticky, fields_route_health,
    fields_route_headers, fields_route_rate, fields_route_auth, fields_route_retry,
    fields_route_redirect, fields_route_middlewares;

/* ---- fields_deploy.c: over struct service ---- */
extern const struct table fields_security, fields_deploy, fields_resources, fields_limits,
    fields_reservations, fields_restart_policy;

/* ---- forms_drift.c ---- */
extern const struct form form_drift; /* struct drift_rule */

/* ---- forms_app.c: over struct app_draft ---- */
extern const struct form form_services;
extern const struct form form_networks; /* top-level declarations */
extern const struct form form_volume_map;
extern const struct form form_ipam; /* struct network: subnet, gateway, ip_range */
extern const struct table fields_ipam, fields_ipam_config;

/* ---- canonical text (show.c) ---- */

/* One line "NAME: VALUE" for every row of t that has a value in base and is no alias, each after prefix. */
void show_table(const struct table *t, const void *base, const char *prefix, struct str *out);
/* The same inside one line: {NAME: VALUE, ...}. Returns false and adds nothing when there is no value. */
bool show_inline(const struct table *t, const void *base, struct str *out);
void show_text(const char *text, struct str *out); /* quoted, unambiguous */
bool show_strv(const struct field *f, const void *value, struct str *out);
bool show_kvs(const struct field *f, const void *value, struct str *out);

#endif
