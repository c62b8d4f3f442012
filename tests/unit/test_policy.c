/* test_policy.c: what may reach the host: every way to ask for it, in each language, from each author; and that no key is without a verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spec/fields.h"
#include "spec/policy.h"
#include "tests/unit/spec_case.h"

/* ---- every key has a verdict ---- */

static const struct policy_field *verdict_of(const char *table, const char *field)
{
    for (const struct policy_field *p = policy_fields; p->table; p++)
        if (strcmp(p->table, table) == 0 && strcmp(p->field, field) == 0)
            return p;
    return NULL;
}

/* Another spelling, or a mapping whose parts are judged one by one. */
static bool judged_elsewhere(const struct field *f)
{
    return f->status != FIELD_SUPPORTED || f->alias_of || f->table;
}

static size_t check_tables(const struct table *const *tables)
{
    size_t n = 0;

    for (; *tables; tables++)
        for (size_t i = 0; i < (*tables)->n; i++) {
            const struct field *f = &(*tables)->fields[i];

            if (judged_elsewhere(f))
                continue;
            if (!verdict_of((*tables)->name, f->name))
                fail_msg("%s.%s has no verdict: can it reach the host? Say so in policy_words.c, "
                         "and add a row to this test's matrix if it can",
                         (*tables)->name, f->name);
            n++;
        }
    return n;
}

static void test_every_key_has_a_verdict(void **state)
{
    (void)state;
    assert_int_equal(check_tables(fields_all_app) + check_tables(fields_all_compose),
                     n_policy_fields);
    for (const struct policy_field *p = policy_fields; p->table; p++) {
        assert_ptr_equal(verdict_of(p->table, p->field), p);
        assert_true((p->word != NULL) != (p->why != NULL));
        assert_true(!p->word || policy_word_find(p->word, strlen(p->word)));
    }
    for (const struct policy_word *w = policy_words + 1; w->word; w++)
        assert_true(strcmp(w[-1].word, w->word) < 0);
}

/* ---- the matrix ---- */

enum part { SERVICE, PLATFORM, TOP, BUILD };
enum author { OPERATOR, ARCHIVE, UPLOAD };
enum language { SEVERAL, COMPOSE, COMPOSE_SPLIT };
#define FREE NULL /* allowed to everybody */

static const struct row {
    enum part part;
    const char *text;
    const char *word; /* that the refusal tells to write; FREE: there is none */
} rows[] = {
    {SERVICE, "privileged: true", "privileged"},
    {SERVICE, "cap_add: [NET_ADMIN]", "cap_add:NET_ADMIN"},
    {SERVICE, "cap_add: [ALL]", "cap_add:ALL"},
    {SERVICE, "cap_add: [cap_sys_admin]", "cap_add:SYS_ADMIN"},
    {SERVICE, "cap_add: [CHOWN, SETUID]", FREE},
    {SERVICE, "cap_drop: [ALL]", FREE},
    {PLATFORM, "security: {profile: docker}", "profile:docker"},
    {PLATFORM, "security: {profile: service}", FREE},
    {PLATFORM, "security: {cap_add: [SYS_PTRACE]}", "cap_add:SYS_PTRACE"},
    {PLATFORM, "security: {no_new_privileges: false}", "no_new_privileges"},
    {SERVICE, "security_opt: ['no-new-privileges:false']", "no_new_privileges"},
    {SERVICE, "security_opt: ['no-new-privileges=false']", "no_new_privileges"},
    {SERVICE, "security_opt: ['no-new-privileges:true']", FREE},
    {SERVICE, "security_opt: [no-new-privileges]", FREE},
    {SERVICE, "security_opt: [seccomp=unconfined]", "security_opt:seccomp=unconfined"},
    {SERVICE, "security_opt: ['seccomp:unconfined']", "security_opt:seccomp:unconfined"},
    {SERVICE, "security_opt: [apparmor=unconfined]", "security_opt:apparmor=unconfined"},
    {SERVICE, "security_opt: [apparmor=mine]", "security_opt:apparmor=mine"},
    {SERVICE, "security_opt: ['label:disable']", "security_opt:label:disable"},
    {SERVICE, "security_opt: [systempaths=unconfined]", "security_opt:systempaths=unconfined"},
    {SERVICE, "pid: host", "pid:host"},
    {SERVICE, "pid: container:stranger", "pid:container:stranger"},
    {SERVICE, "pid: service:other", FREE},
    {SERVICE, "pid: container:x-other-1", FREE},
    {SERVICE, "ipc: host", "ipc:host"},
    {SERVICE, "ipc: container:stranger", "ipc:container:stranger"},
    {SERVICE, "ipc: service:other", FREE},
    {SERVICE, "ipc: shareable", FREE},
    {SERVICE, "uts: host", "uts:host"},
    {SERVICE, "userns_mode: host", "userns_mode:host"},
    {SERVICE, "cgroup: host", "cgroup:host"},
    {SERVICE, "cgroup: private", FREE},
    {SERVICE, "network_mode: host", "network_mode:host"},
    {SERVICE, "network_mode: bridge", "network_mode:bridge"},
    {SERVICE, "network_mode: container:stranger", "network_mode:container:stranger"},
    {SERVICE, "network_mode: service:other", FREE},
    {SERVICE, "network_mode: none", FREE},
    {SERVICE, "cgroup_parent: /system.slice", "cgroup_parent"},
    {SERVICE, "runtime: kata", "runtime:kata"},
    {SERVICE, "annotations: {run.oci.handler: krun}", "annotations:run.oci.handler"},
    {SERVICE, "sysctls: {net.core.somaxconn: 1024}", "sysctls:net.core.somaxconn"},
    {SERVICE, "sysctls: [kernel.msgmax=1]", "sysctls:kernel.msgmax"},
    {SERVICE, "cpu_rt_runtime: 400ms", "cpu_rt_runtime"},
    {SERVICE, "external_links: ['stranger:db']", "external_links:stranger"},
    {SERVICE, "gpus: all", "gpus"},
    {SERVICE, "networks: {default: {driver_opts: {a: b}}}", "driver_opts"},
    {SERVICE, "devices: [vendor.com/class=one]", "devices"},
    {SERVICE, "links: [other]", FREE},
    {SERVICE, "volumes_from: [other]", FREE},
    {SERVICE, "devices: [/dev/kvm]", "devices:/dev/kvm"},
    {SERVICE, "devices: ['/dev/sda:/dev/xvda:r']", "devices:/dev/sda"},
    {SERVICE, "devices: [{source: /dev/mem, target: /dev/mem}]", "devices:/dev/mem"},
    {SERVICE, "device_cgroup_rules: ['a *:* rwm']", "device_cgroup_rules"},
    {SERVICE, "post_start: [{command: x, privileged: true}]", "privileged"},
    {SERVICE, "pre_stop: [{command: x, privileged: true}]", "privileged"},
    {SERVICE, "pre_stop: [{command: x, user: root}]", FREE},
    {SERVICE, "ulimits: {rtprio: 99}", "ulimits:rtprio"},
    {SERVICE, "ulimits: {nice: {soft: 40, hard: 40}}", "ulimits:nice"},
    {SERVICE, "ulimits: {nofile: 65536}", FREE},
    {SERVICE, "oom_kill_disable: true", "oom_kill_disable"},
    {SERVICE, "oom_score_adj: -500", "oom_score_adj"},
    {SERVICE, "oom_score_adj: 500", FREE},
    {SERVICE, "logging: {driver: syslog, options: {syslog-address: 'unix:///dev/log'}}",
     "logging:syslog"},
    {SERVICE, "logging: {driver: awslogs}", "logging:awslogs"},
    {SERVICE, "logging: {driver: local}", FREE},
    {SERVICE, "logging: {driver: none}", FREE},
    /* folders of the host, however they are spelt */
    {SERVICE, "volumes: ['/etc:/x']", "volumes:/etc"},
    {SERVICE, "volumes: ['/etc/:/x:ro']", "volumes:/etc"},
    {SERVICE, "volumes: ['/srv/../etc:/x']", "volumes:/etc"},
    {SERVICE, "volumes: ['//etc/./ssl:/x']", "volumes:/etc/ssl"},
    {SERVICE, "volumes: ['../../../etc:/x']", "volumes:/etc"},
    {SERVICE, "volumes: [{type: bind, source: /etc, target: /x}]", "volumes:/etc"},
    {SERVICE, "volumes: [{type: bind, source: /srv/a/../../etc, target: /x, read_only: true}]",
     "volumes:/etc"},
    {SERVICE, "volumes: [{type: bind, source: /proc/1/root, target: /x}]", "volumes:/proc/1/root"},
    {SERVICE, "volumes: [{type: bind, source: /srv, target: /x, bind: {propagation: rshared}}]",
     "propagation:rshared"},
    {SERVICE, "volumes: ['/srv:/x:shared']", "propagation:shared"},
    {SERVICE, "volumes: ['data:/data', '/anonymous']", FREE},
    {SERVICE, "tmpfs: [/tmp]", FREE},
    /* the engine's socket, its folders, and what they are in */
    {SERVICE, "volumes: ['/var/run/docker.sock:/x']", "docker.sock"},
    {SERVICE, "volumes: ['/run/docker.sock:/x:ro']", "docker.sock"},
    {SERVICE, "volumes: ['/var/run/../../run/docker.sock:/x']", "docker.sock"},
    {SERVICE, "volumes: [{type: bind, source: //run//docker.sock, target: /x}]", "docker.sock"},
    {SERVICE, "volumes: ['/var/run:/x']", "docker.sock"},
    {SERVICE, "volumes: ['/run/:/x']", "docker.sock"},
    {SERVICE, "volumes: ['/var:/x']", "docker.sock"},
    {SERVICE, "volumes: ['/:/x']", "docker.sock"},
    {SERVICE, "volumes: ['/run/containerd/containerd.sock:/x']", "docker.sock"},
    {SERVICE, "volumes: ['/var/lib/docker/volumes:/x']", "docker.sock"},
    /* volumes and networks */
    {TOP, "volumes: {data: {driver_opts: {type: none, o: bind, device: /etc}}}", "driver_opts"},
    {TOP, "volumes: {data: {driver: local, driver_opts: {o: 'rw,rbind', device: /etc}}}",
     "driver_opts"},
    {TOP, "volumes: {data: {driver_opts: {type: ext4, device: /dev/sda1}}}", "driver_opts"},
    {TOP, "volumes: {data: {driver_opts: {type: nfs, o: 'addr=10.0.0.1', device: ':/x'}}}",
     "driver_opts"},
    {TOP, "volumes: {data: {driver_opts: {type: none, o: bind, device: /var/run}}}", "docker.sock"},
    {TOP, "volumes: {data: {driver: rclone}}", "driver:rclone"},
    {TOP, "volumes: {data: {external: true}}", "external:data"},
    {TOP, "volumes: {data: {external: true, name: shop_db}}", "external:shop_db"},
    {TOP, "volumes: {data: {labels: {a: b}}}", FREE},
    {TOP, "networks: {default: {external: true, name: shop_default}}", "external:shop_default"},
    {TOP, "networks: {default: {driver: macvlan}}", "driver:macvlan"},
    {TOP, "networks: {default: {driver_opts: {parent: eth0}}}", "driver_opts"},
    {TOP, "networks: {default: {ipam: {config: [{subnet: 8.8.8.0/24}]}}}", "ipam"},
    {TOP, "networks: {default: {internal: true}}", FREE},
    {TOP, "secrets: {s: {external: true, name: shop-key}}", "secrets:shop-key"},
    {TOP, "configs: {s: {content: hello}}", FREE},
    {TOP, "adopt: shop", "adopt:shop"},
    {TOP, "adopt: true", "adopt:x"},
    {TOP, "adopt: false", FREE},
    /* builds */
    {BUILD, "network: host", "build_network:host"},
    {BUILD, "args: {A: b}", FREE},
    {BUILD, "tags: [shop]", "build_tags:shop"},
    {BUILD, "ulimits: {rtprio: 99}", "ulimits:rtprio"},
    {BUILD, "ulimits: {nofile: 65536}", FREE},
    {BUILD, "extra_hosts: [\"db:10.0.0.5\"]", FREE},
    {BUILD, "shm_size: 1g", FREE},
    {BUILD, "no_cache: true", FREE},
};

static const char *const folders[] = {"/apps/", BUNDLE_FOLDER "/", "/apps/uploads/"};

/* The line that asks, alone on a line of its own, and its number. */
static const char *compose_text(const struct row *r, enum language language, bool whole,
                                struct arena *a, int *ret_line)
{
    const char *indent = r->part == TOP ? "" : r->part == BUILD ? "      " : "    ";
    CLEANUP(str_release) struct str s = STR_INIT;
    int line = 1;

    if (language == SEVERAL)
        str_add(&s, "app: x\n");
    str_add(&s, "services:\n  web:\n");
    if (r->part == BUILD)
        str_add(&s, language == SEVERAL ? "    source:\n" : "    build:\n      context: .\n");
    else if (whole || language != COMPOSE_SPLIT)
        str_add(&s, "    image: web\n");
    if (r->part == PLATFORM && language != SEVERAL) {
        str_add(&s, "    x-evenkeel:\n");
        indent = "      ";
    }
    if (strstr(r->text, "secrets:") == r->text)
        str_add(&s, "    secrets: [s]\n");
    if (strstr(r->text, "configs:") == r->text)
        str_add(&s, "    configs: [s]\n");
    if (r->part == TOP && strstr(r->text, "volumes:"))
        str_add(&s, "    volumes: ['data:/data']\n");
    if (r->part == TOP && whole)
        str_add(&s, "  other: {image: other}\n");
    if (language != SEVERAL && strstr(r->text, "adopt:") == r->text) {
        str_add(&s, "x-evenkeel:\n");
        indent = "  ";
    }
    for (const char *p = str_text(&s); *p; p++)
        line += *p == '\n';
    if (ret_line) /* a file of a secret or config reaches the host where a service uses it */
        *ret_line =
            line - (r->part == BUILD) -
            (strstr(r->text, "{external: true, name: shop-key}") ? 1 + (language != COMPOSE_SPLIT)
                                                                 : 0);
    str_addf(&s, "%s%s\n", indent, r->text);
    if (r->part != TOP && whole)
        str_add(&s, "  other: {image: other}\n");
    if (strstr(r->text, "'data:/data'"))
        str_add(&s, "volumes: {data: {}}\n");
    return arena_strdup(a, str_text(&s));
}

struct world {
    const char *names[2], *texts[2]; /* the second is the override, or NULL */
    const char *dir;
    enum author author;
    const struct app *over;
    bool digests; /* files of configs and secrets are read, as the agent does */
};

static int world_load(void *ctx, const char *path, struct arena *a, const char **ret_text,
                      size_t *ret_n, struct err *e)
{
    const struct world *w = ctx;
    size_t n = strlen(w->dir);

    (void)a;
    for (size_t i = 0; i < 2; i++)
        if (w->names[i] && strncmp(path, w->dir, n) == 0 && strcmp(path + n, w->names[i]) == 0) {
            *ret_text = w->texts[i];
            *ret_n = strlen(*ret_text);
            return 0;
        }
    return err_set(e, ERR_MISSING, "no such file");
}

static int world_digest(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                        struct err *e)
{
    char digest[SHA256_HEX];

    (void)ctx, (void)e;
    sha256_hex(path, strlen(path), digest);
    *ret_digest = arena_strdup(a, digest);
    return 0;
}

static const struct want_app *judge(struct world *w, const struct policy *policy, struct arena *a,
                                    struct desired **ret)
{
    static const char zip[] = "/apps/x.zip";
    const struct loader loader = {
        .read = world_load,
        .digest = w->digests ? world_digest : NULL,
        .ctx = w,
        .bundle = w->author == ARCHIVE ? zip : NULL,
        .over = w->over,
    };
    struct settings *settings = ARENA_NEW(a, struct settings);
    struct spec_root *root = ARENA_NEW(a, struct spec_root);
    const struct spec_file **files = ARENA_ARRAY(a, 1, const struct spec_file *);
    struct spec_file *f = ARENA_NEW(a, struct spec_file);

    document_parse("/apps",
                   arena_printf(a, "%s%s", w->author == UPLOAD ? "uploads/" : "", w->names[0]),
                   w->names[0], arena_strndup(a, w->dir, strlen(w->dir) - 1), w->texts[0],
                   strlen(w->texts[0]), &loader, a, f);
    if (f->diags.errors)
        fail_msg("%s\n%s", f->diags.v[0].what, w->texts[0]);
    files[0] = f;
    *root = (struct spec_root){"/apps", true};
    *settings = (struct settings){.owner = "default", .policy = *policy};
    const struct spec_set set = {.roots = root, .n_roots = 1, .files = files, .n_files = 1};

    *ret = desired_build(&set, settings, NULL, CASE_NOW_MS, a);
    assert_int_equal((*ret)->n_apps, 1);
    return &(*ret)->apps[0];
}

/* The configuration that the hints of all refusals tell to write. */
static struct policy told(const struct desired *d, struct arena *a)
{
    struct policy all = {.v = ARENA_ARRAY(a, d->diags.n, struct policy_rule)};

    for (size_t i = 0; i < d->diags.n; i++) {
        const char *from = d->diags.v[i].hint ? strstr(d->diags.v[i].hint, "`policy: ") : NULL;
        struct diag_list diags;
        struct config config;

        if (!from)
            continue;
        const char *text = arena_strndup(a, from + 1, strcspn(from + 1, "`"));

        diag_init(&diags, a);
        if (config_parse("agent.yaml", text, strlen(text), a, &diags, &config) != 0)
            fail_msg("%s: %s", text, diags.v[0].what);
        assert_int_equal(config.policy.n, 1);
        all.v[all.n++] = config.policy.v[0];
    }
    return all;
}

static const struct diag *refusal(const struct desired *d, const char *word)
{
    for (size_t i = 0; i < d->diags.n; i++)
        if (d->diags.v[i].hint && strstr(d->diags.v[i].hint, word))
            return &d->diags.v[i];
    return NULL;
}

static void check_cell(const struct row *r, enum language language, enum author author,
                       struct arena *a)
{
    static const struct policy nothing;
    bool split = language == COMPOSE_SPLIT;
    const struct row plain = {SERVICE, "tty: true", NULL};
    int line;
    const char *asking = compose_text(r, language, !split, a, &line);
    struct world w = {.dir = folders[author], .author = author};
    struct desired *d;

    w.names[0] = language == SEVERAL ? "x.yaml" : split ? "compose.yaml" : "x.compose.yaml";
    w.texts[0] = asking;
    if (split) { /* the file beside it asks */
        w.texts[0] = arena_printf(a, "name: x\n%s", compose_text(&plain, language, true, a, NULL));
        w.names[1] = "compose.override.yaml";
        w.texts[1] = asking;
    }
    const struct want_app *app = judge(&w, &nothing, a, &d);

    /* Out of the store of secrets an archive gets its own app's alone. */
    if (author == OPERATOR || !r->word ||
        (author == ARCHIVE && strncmp(r->word, "secrets", 7) == 0)) {
        if (app->refused)
            fail_msg("%s is refused to author %d: %s", r->text, author, app->refused);
        return;
    }
    const char *rule = arena_printf(a, "[%s", r->word);
    const struct diag *said = refusal(d, rule);

    if (!said)
        said = refusal(d, arena_printf(a, "['%s", r->word));
    if (!app->refused || !said)
        fail_msg("author %d, language %d, \"%s\": expected a refusal with %s, got %s\n%s", author,
                 language, r->text, r->word, app->refused ? app->refused : "none", asking);
    if (said->at.line != line || !strstr(said->at.file, w.names[split ? 1 : 0]))
        fail_msg("%s is said to be at %s:%d, not line %d of\n%s", r->text, said->at.file,
                 said->at.line, line, asking);
    assert_true(said->at.column > 0);
    assert_non_null(
        strstr(said->what, author == ARCHIVE ? "out of an archive" : "out of an upload"));
    /* What it tells to write is what allows it, to this app and to no other. */
    struct policy policy = told(d, a);

    app = judge(&w, &policy, a, &d);
    if (app->refused)
        fail_msg("%s stays refused: %s", r->text, app->refused);
    for (size_t i = 0; i < policy.n; i++)
        policy.v[i].app = "y";
    assert_non_null(judge(&w, &policy, a, &d)->refused);
    for (size_t i = 0; i < policy.n; i++)
        policy.v[i].app = "*";
    assert_null(judge(&w, &policy, a, &d)->refused);
}

static void test_matrix(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (enum language language = SEVERAL; language <= COMPOSE_SPLIT; language++)
            for (enum author author = OPERATOR; author <= UPLOAD; author++) {
                CLEANUP(arena_freep) struct arena *a = arena_new();

                if (author == ARCHIVE && language == COMPOSE_SPLIT)
                    continue; /* an archive has one spec */
                if (rows[i].part == BUILD && language == SEVERAL)
                    continue; /* it would have to name a folder */
                if (rows[i].part == BUILD && author == UPLOAD && !rows[i].word)
                    continue; /* the folder itself is refused to it */
                check_cell(&rows[i], language, author, a);
            }
}

/* Sources: an archive is its own, an upload has those that were sent for it; what else lies in the roots, or is allowed to builds, is other people's. */
static void test_sources(void **state)
{
    static const struct {
        enum author author;
        const char *source, *word;
    } cases[] = {
        {ARCHIVE, "{bundle: /apps/x.zip}", FREE},
        {ARCHIVE, "{bundle: y.zip}", "source:" BUNDLE_FOLDER "/y.zip"},
        {ARCHIVE, "{bundle: /apps/x.zip/../y.zip}", "source:/apps/y.zip"},
        {ARCHIVE, "{path: ./shop}", "source:" BUNDLE_FOLDER "/shop"},
        {ARCHIVE, "{path: /apps}", "source:/apps"},
        {UPLOAD, "{bundle: .bundles/x.1.zip}", FREE},
        {UPLOAD, "{bundle: .bundles/1.zip}", "source:/apps/uploads/.bundles/1.zip"},
        {UPLOAD, "{bundle: .bundles/y.1.zip}", "source:/apps/uploads/.bundles/y.1.zip"},
        {UPLOAD, "{bundle: .bundles/xy.1.zip}", "source:/apps/uploads/.bundles/xy.1.zip"},
        {UPLOAD, "{bundle: .bundles/x.1.zip/../y.1.zip}", "source:/apps/uploads/.bundles/y.1.zip"},
        {UPLOAD, "{bundle: x.zip}", "source:/apps/uploads/x.zip"},
        {UPLOAD, "{path: .}", "source:/apps/uploads"},
        {UPLOAD, "{path: ., dockerfile_inline: 'FROM busybox'}", "source:/apps/uploads"},
        {UPLOAD, "{path: .bundles}", "source:/apps/uploads/.bundles"},
        {UPLOAD, "{path: .bundles/x.1}", "source:/apps/uploads/.bundles/x.1"},
        {UPLOAD, "{bundle: ../y.zip}", "source:/apps/y.zip"},
        {UPLOAD, "{path: ..}", "source:/apps"},
        {UPLOAD, "{path: ../uploads2}", "source:/apps/uploads2"},
        {OPERATOR, "{path: ./shop}", FREE},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct world w = {.dir = folders[cases[i].author], .author = cases[i].author};
        struct policy policy = {0};
        struct desired *d;

        w.names[0] = "x.yaml";
        w.texts[0] = arena_printf(a, "app: x\nsource: %s\n", cases[i].source);
        const struct want_app *app = judge(&w, &policy, a, &d);

        if (!cases[i].word) {
            assert_null(app->refused);
            continue;
        }
        if (!app->refused || !strstr(app->refused, arena_printf(a, "[%s]", cases[i].word)))
            fail_msg("%s: %s", cases[i].source, app->refused ? app->refused : "not refused");
        policy = told(d, a);
        app = judge(&w, &policy, a, &d);
        if (app->refused && !strstr(app->refused, "lies outside the roots"))
            fail_msg("%s stays refused: %s", cases[i].source, app->refused);
    }
}

/* What the agent would read for an app and put into its containers is judged like what the engine would mount. */
static void test_placed_files(void **state)
{
    static const char *const kinds[] = {"configs", "secrets"};
    static const struct {
        const char *file, *word;
    } cases[] = {
        {"/etc/shadow", "volumes:/etc/shadow"},
        {"../../state/secrets/b/key", "volumes:/state/secrets/b/key"},
        {"./b.yaml", "volumes:/apps/uploads/b.yaml"},
    };

    (void)state;
    for (size_t i = 0; i < 4 * ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        const char *kind = kinds[i % 2], *file = cases[i / 4].file, *word = cases[i / 4].word;
        struct world w = {.dir = "/apps/uploads/", .author = UPLOAD, .digests = i / 2 % 2 == 0};
        struct policy policy = {0};
        struct desired *d;

        w.names[0] = "x.compose.yaml";
        w.texts[0] = arena_printf(a,
                                  "services: {web: {image: y, %s: [c]}}\n"
                                  "%s: {c: {file: %s}}\n",
                                  kind, kind, file);
        const struct want_app *app = judge(&w, &policy, a, &d);

        if (!app->refused || !strstr(app->refused, arena_printf(a, "[%s]", word)))
            fail_msg("%s: %s", w.texts[0], app->refused ? app->refused : "not refused");
        policy = told(d, a);
        assert_null(judge(&w, &policy, a, &d)->refused);
        w.author = OPERATOR;
        assert_null(judge(&w, &(struct policy){0}, a, &d)->refused);
    }
}

/* An archive that a file of the operator's names: what stands in that file is the operator's, what stands in the archive is not. */
static void test_named_archive(void **state)
{
    static const struct {
        const char *outside, *inside;
        bool refused;
    } cases[] = {
        {"volumes: ['/srv:/x']", "tty: true", false},
        {"environment: {A: b}", "volumes: ['/srv:/x']", true},
        {"volumes: ['/srv:/x']", "privileged: true", true},
        {"environment: {A: b}", "volumes: ['./data:/x']", true}, /* which is not on the host */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct world w = {.dir = BUNDLE_FOLDER "/", .author = ARCHIVE};
        struct policy nothing = {0};
        struct spec_file out;
        struct desired *d;
        const char *text =
            arena_printf(a, "app: x\nsource: {bundle: x.zip}\n%s\n", cases[i].outside);

        document_parse("/apps", "x.yaml", "x.yaml", "/apps", text, strlen(text), NULL, a, &out);
        assert_int_equal(out.diags.errors, 0);
        w.over = out.documents[0].app;
        w.names[0] = "compose.yaml";
        w.texts[0] = arena_printf(
            a, "services:\n  web:\n    image: y\n    labels: {evenkeel.main: 'true'}\n    %s\n",
            cases[i].inside);
        if (!judge(&w, &nothing, a, &d)->refused == cases[i].refused)
            fail_msg("%s, %s: %s", cases[i].outside, cases[i].inside, d->apps[0].refused);
        if (cases[i].refused)
            assert_non_null(strstr(d->apps[0].refused, "(compose.yaml:5:"));
    }
}

/* Allowed are a folder and all below it, by whole names; never what is above it. */
static void test_values(void **state)
{
    static const struct {
        const char *rule, *mount;
        bool fine;
    } cases[] = {
        {"volumes:/srv/media", "/srv/media", true},
        {"volumes:/srv/media/", "/srv/media/films", true},
        {"volumes:/srv/media", "/srv/mediatheque", false},
        {"volumes:/srv/media", "/srv", false},
        {"volumes:/srv/media", "/srv/media/../other", false},
        {"volumes", "/srv/other", true},
        {"volumes", "/run/docker.sock", false},
        {"volumes:/", "/var", false},
        {"docker.sock", "/run/docker.sock", true},
        {"docker.sock", "/run", false},
        {"devices:/srv", "/srv", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct world w = {.dir = "/apps/uploads/", .author = UPLOAD};
        struct diag_list diags;
        struct config config;
        struct desired *d;
        const char *text = arena_printf(a, "policy: {allow: {x: ['%s']}}", cases[i].rule);

        diag_init(&diags, a);
        assert_int_equal(config_parse("agent.yaml", text, strlen(text), a, &diags, &config), 0);
        w.names[0] = "x.yaml";
        w.texts[0] = arena_printf(a, "app: x\nimage: y\nvolumes: ['%s:/x']\n", cases[i].mount);
        if (!judge(&w, &config.policy, a, &d)->refused != cases[i].fine)
            fail_msg("%s, %s", cases[i].rule, cases[i].mount);
        /* What is allowed is looked at again where it is used. */
        if (cases[i].fine)
            assert_int_equal(d->apps[0].services[0].n_confined,
                             strncmp(cases[i].rule, "volumes", 7) == 0);
    }
}

/* Rules that could never apply are mistakes. */
static void test_configuration(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"policy: {allow: {x: [privilegd]}}", "\"privilegd\" is nothing that can be allowed"},
        {"policy: {allow: {x: ['privileged:yes']}}", "`privileged` is allowed as a whole"},
        {"policy: {allow: {x: ['volumes:']}}", "must begin with /"},
        {"policy: {allow: {x: ['volumes:srv']}}", "must begin with /"},
        {"policy: {allow: {x: ['cap_add:']}}", "ends with a colon"},
        {"policy: {allow: {X: [privileged]}}", "cannot be the name of an app"},
        {"policy: {allow: [privileged]}", "must be a mapping"},
        {"policy: {deny: {}}", "unknown key"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct diag_list diags;
        struct config config;

        diag_init(&diags, a);
        assert_int_equal(
            config_parse("agent.yaml", cases[i].text, strlen(cases[i].text), a, &diags, &config),
            -1);
        if (!strstr(diags.v[0].what, cases[i].error))
            fail_msg("%s: %s", cases[i].text, diags.v[0].what);
    }
}

/* A word of the table that no row of the matrix asks for would be one that nobody tried. */
static void test_every_word_is_tried(void **state)
{
    (void)state;
    for (const struct policy_word *w = policy_words; w->word; w++) {
        bool tried = strcmp(w->word, "source") == 0;
        size_t n = strlen(w->word);

        for (size_t i = 0; !tried && i < ARRAY_LEN(rows); i++)
            tried = rows[i].word && strncmp(rows[i].word, w->word, n) == 0 &&
                    (rows[i].word[n] == '\0' || rows[i].word[n] == ':');
        if (!tried)
            fail_msg("no row of the matrix asks for %s", w->word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key_has_a_verdict),
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_placed_files),
        cmocka_unit_test(test_named_archive),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_every_word_is_tried),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
