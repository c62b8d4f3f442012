/* dockerfile.c: as much of a Dockerfile as must be known before it is sent.
 *
 * In: the text, the build arguments, the target. Out: the images it stands on, its ports, its stages, and every mistake that can be
 * told beforehand. Without a session the engine can fetch no frontend and asks nobody for secrets or keys, so what needs one is
 * refused here, with the line, rather than after minutes of building.
 *
 * It follows BuildKit: stages that target does not need do not count; names of stages go before names of images. It does not
 * check what instructions do. */
#include "spec/dockerfile.h"

#include <ctype.h>
#include <stdarg.h>
#include <strings.h>

#include "spec/base/arena.h"
#include "spec/desired.h"
#include "spec/dockerfile_parts.h"
#include "spec/limits.h"

#define ELSEWHERE "build the image elsewhere and name it by image:"

/* clang-format off */
static const char *const instructions[] = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN",
    "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
};
static const char *const engine_args[] = {
    "BUILDARCH", "BUILDOS", "BUILDPLATFORM", "BUILDVARIANT", "TARGETARCH", "TARGETOS", "TARGETPLATFORM", "TARGETSTAGE", "TARGETVARIANT",
};
/* clang-format on */

void dockerfile_complain(struct dockerfile_reader *r, const struct dockerfile_line *l, size_t at,
                         const char *hint, const char *fmt, ...)
{
    const char *source;
    struct place place = dockerfile_line_place(l, r->name, at, r->a, &source);
    char what[400];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    diag_add(r->diags, DIAG_ERROR, place, NULL, source, hint, "%s", what);
}

bool dockerfile_engine_arg(const char *name, size_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(engine_args); i++)
        if (strlen(engine_args[i]) == n && memcmp(engine_args[i], name, n) == 0)
            return true;
    return false;
}

/* ---- the frontend ---- */

static bool is_docker_frontend(const char *value)
{
    static const char *const names[] = {"docker/dockerfile", "docker/dockerfile-upstream"};

    if (strncmp(value, "docker.io/", 10) == 0)
        value += 10;
    size_t n = strcspn(value, ":@ \t");

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strlen(names[i]) == n && memcmp(names[i], value, n) == 0)
            return true;
    return false;
}

static void check_frontend(struct dockerfile_reader *r)
{
    const struct dockerfile_lines *l = &r->lines;

    if (l->syntax && !is_docker_frontend(l->syntax))
        diag_add(r->diags, DIAG_ERROR, l->syntax_at, NULL, l->syntax_raw,
                 "write it for docker/dockerfile, or " ELSEWHERE,
                 "other frontends cannot be fetched without a session: \"%s\"", l->syntax);
    if (kvs_get(r->args, "BUILDKIT_SYNTAX"))
        diag_add(r->diags, DIAG_ERROR, (struct place){.file = r->name}, NULL, NULL,
                 "leave it out: the engine's own frontend reads this file",
                 "the build argument BUILDKIT_SYNTAX names a frontend, and none can be fetched "
                 "without a session");
}

/* ---- stages ---- */

static int find_stage(const struct dockerfile_reader *r, const char *name)
{
    for (size_t i = r->n_stages; i-- > 0;)
        if (r->stages[i].name && strcasecmp(r->stages[i].name, name) == 0)
            return (int)i;
    return -1;
}

static bool stage_name_valid(const char *name)
{
    if (!isalpha((unsigned char)name[0]))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("-_.", *name))
            return false;
    return true;
}

static const char *lower(struct arena *a, const char *s)
{
    char *copy = arena_strdup(a, s);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

static const char *expand_from(struct dockerfile_reader *r, const struct dockerfile_line *l,
                               size_t at, const char *word, const char **ret_unset)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    const char *complaint = dockerfile_expand(&r->vars, word, r->a, &s, ret_unset);

    if (!complaint)
        return arena_strndup(r->a, str_text(&s), s.len);
    dockerfile_complain(r, l, at, NULL, "FROM: %s", complaint);
    return NULL;
}

static const char *read_platform(struct dockerfile_reader *r, const struct dockerfile_line *l)
{
    for (size_t i = 0; i < l->n_flags; i++) {
        if (strncmp(l->flags[i].text, "--platform=", 11) != 0)
            continue;
        const char *unset = NULL;
        const char *v = expand_from(r, l, l->flags[i].at, l->flags[i].text + 11, &unset);
        const char *own = kvs_get(&r->vars.args, "TARGETPLATFORM");

        if (!v || (own && strcmp(v, own) == 0))
            return "";
        if (unset)
            dockerfile_complain(r, l, l->flags[i].at,
                                "give it a default: ARG NAME=VALUE before FROM",
                                "FROM --platform needs %s, which has no value", unset);
        return v;
    }
    return "";
}

static void complain_unset(struct dockerfile_reader *r, const struct dockerfile_line *l,
                           const char *word, const char *unset)
{
    if (!unset)
        dockerfile_complain(r, l, l->args_at, NULL, "FROM %s: nothing is left of the name", word);
    else if (dockerfile_engine_arg(unset, strlen(unset)))
        dockerfile_complain(r, l, l->args_at, "give it under args:",
                            "FROM %s needs %s, which is not known before the build", word, unset);
    else
        dockerfile_complain(r, l, l->args_at,
                            "write ARG NAME=DEFAULT above the first FROM, or give it under args:",
                            "FROM %s: %s has no value", word, unset);
}

static void read_base(struct dockerfile_reader *r, const struct dockerfile_line *l,
                      const char *word, struct dockerfile_stage *stage)
{
    const char *unset = NULL, *base = expand_from(r, l, l->args_at, word, &unset);

    stage->parent = -1;
    stage->base = "";
    if (!base)
        return;
    if (!*base || unset) {
        complain_unset(r, l, word, unset);
        return;
    }
    stage->base = base;
    stage->parent = find_stage(r, base);
}

static void read_from(struct dockerfile_reader *r, size_t index)
{
    const struct dockerfile_line *l = &r->lines.v[index];
    struct dockerfile_stage stage = {.from = index, .end = index + 1};
    struct strv words = {0};

    dockerfile_words(l->args, r->vars.escape, r->a, &words);
    if (words.n != 1 && (words.n != 3 || strcasecmp(words.v[1], "AS") != 0)) {
        dockerfile_complain(r, l, 0, "FROM IMAGE, or FROM IMAGE AS NAME",
                            "FROM takes an image and nothing else");
        return;
    }
    if (r->n_stages == DOCKERFILE_STAGES) {
        dockerfile_complain(r, l, 0, NULL, "more than %d stages", DOCKERFILE_STAGES);
        return;
    }
    if (words.n == 3 && !stage_name_valid(words.v[2]))
        dockerfile_complain(r, l, l->args_at, "letters, digits, \"-\", \"_\" and \".\"",
                            "\"%s\" cannot be the name of a stage", words.v[2]);
    stage.platform = read_platform(r, l);
    read_base(r, l, words.v[0], &stage);
    stage.name = words.n == 3 ? lower(r->a, words.v[2]) : NULL;
    r->stages[r->n_stages++] = stage;
}

static void complain_unknown(struct dockerfile_reader *r, const struct dockerfile_line *l)
{
    const char *near = str_nearest(l->keyword, instructions, ARRAY_LEN(instructions));

    dockerfile_complain(r, l, 0, near ? arena_printf(r->a, "did you mean %s?", near) : NULL,
                        "unknown instruction \"%.40s\"", l->keyword);
}

static bool is_instruction(const char *keyword)
{
    for (size_t i = 0; i < ARRAY_LEN(instructions); i++)
        if (strcmp(keyword, instructions[i]) == 0)
            return true;
    return false;
}

static void read_stages(struct dockerfile_reader *r)
{
    for (size_t i = 0; i < r->lines.n && r->diags->errors < LIMIT_DIAGS; i++) {
        const struct dockerfile_line *l = &r->lines.v[i];
        bool is_arg = strcmp(l->keyword, "ARG") == 0;

        if (strcmp(l->keyword, "FROM") == 0)
            read_from(r, i);
        else if (!is_instruction(l->keyword))
            complain_unknown(r, l);
        else if (r->n_stages > 0)
            r->stages[r->n_stages - 1].end = i + 1;
        else if (is_arg)
            dockerfile_declare(r, l, &r->vars, &r->vars.args);
        else if (r->diags->errors == 0)
            dockerfile_complain(r, l, 0, "FROM IMAGE comes first", "%s before the first FROM",
                                l->keyword);
    }
    if (r->n_stages == 0 && r->diags->errors == 0)
        diag_add(r->diags, DIAG_ERROR, (struct place){.file = r->name}, NULL, NULL,
                 "the first instruction is FROM IMAGE", "no FROM: there is nothing to build");
}

static int find_target(struct dockerfile_reader *r, const char *target)
{
    if (!target || !*target)
        return (int)r->n_stages - 1;
    int found = find_stage(r, target);
    struct strv names = {0};
    int64_t number;

    if (found >= 0)
        return found;

    for (size_t i = 0; i < r->n_stages; i++)
        if (r->stages[i].name)
            strv_push(r->a, &names, r->stages[i].name);
    const char *near = str_nearest(target, names.v, names.n);

    const char *hint = near ? arena_printf(r->a, "did you mean \"%s\"?", near) : NULL;

    /* BuildKit knows targets by name only. */
    if (parse_int64(target, 0, (int64_t)r->n_stages - 1, &number) == 0)
        hint = "give the stage a name (FROM IMAGE AS NAME) and use that";
    diag_add(r->diags, DIAG_ERROR, (struct place){.file = r->name}, NULL, NULL, hint,
             "no stage is called \"%.80s\"", target);
    return -1;
}

/* ---- what target needs ---- */

struct needs {
    struct dockerfile_reader *r;
    size_t todo[DOCKERFILE_STAGES]; /* stages found to be needed, in the order they were found */
    size_t n;
    struct need_image {
        const char *image, *platform;
    } * images;
    size_t n_images, cap;
};

static void need_stage(struct needs *n, int stage)
{
    if (n->r->stages[stage].needed)
        return;
    n->r->stages[stage].needed = true;
    n->todo[n->n++] = (size_t)stage;
}

static void need_image(struct needs *n, const struct dockerfile_line *l, size_t at,
                       const char *name, const char *platform)
{
    if (strcmp(name, "scratch") == 0)
        return;
    const char *image = image_reference(name, n->r->a);

    if (!image) {
        dockerfile_complain(n->r, l, at, NULL,
                            "%s: \"%.200s\" is neither a stage nor the name of an image",
                            l->keyword, name);
        return;
    }
    n->images = arena_grow(n->r->a, n->images, n->n_images, &n->cap, sizeof(*n->images));
    n->images[n->n_images++] = (struct need_image){image, platform};
}

/* What --from names: a stage by number or name, else an image. */
static void need_from(struct needs *n, const struct dockerfile_line *l, size_t at, size_t self,
                      const char *from)
{
    struct dockerfile_reader *r = n->r;
    int64_t number;

    if (strchr(from, '$')) {
        dockerfile_complain(r, l, at, "write FROM IMAGE AS NAME above, and from=NAME here",
                            "from=%.200s: no variables are replaced here", from);
        return;
    }
    int stage = find_stage(r, from);

    if (stage < 0 && parse_int64(from, 0, INT32_MAX, &number) == 0) {
        if (strcmp(l->keyword, "COPY") != 0) {
            dockerfile_complain(r, l, at, "name the stage (FROM IMAGE AS NAME) and write from=NAME",
                                "from=%s: only COPY knows stages by their number", from);
            return;
        }
        if (number >= (int64_t)r->n_stages) {
            dockerfile_complain(r, l, at, "stages are counted from 0",
                                "from=%s: the last stage is number %zu", from, r->n_stages - 1);
            return;
        }
        stage = (int)number;
    }
    if (stage < 0)
        need_image(n, l, at, from, "");
    else if ((size_t)stage == self)
        dockerfile_complain(r, l, at, NULL, "from=%s: that is this stage itself", from);
    else
        need_stage(n, stage);
}

static void complain_mount(struct dockerfile_reader *r, const struct dockerfile_line *l, size_t at,
                           bool ssh)
{
    dockerfile_complain(
        r, l, at,
        ssh ? "fetch over https, put what it fetches into the context, or " ELSEWHERE
            : "give the secret to the running service (secrets:), or " ELSEWHERE,
        "RUN --mount=type=%s cannot work: builds have no session that could hand %s over",
        ssh ? "ssh" : "secret", ssh ? "a key" : "a secret");
}

static void read_mount(struct needs *n, const struct dockerfile_line *l,
                       const struct dockerfile_flag *flag, size_t self)
{
    char *copy = arena_strdup(n->r->a, flag->text + strlen("--mount=")), *save = NULL;
    const char *type = "bind", *from = NULL;

    for (char *f = strtok_r(copy, ",", &save); f; f = strtok_r(NULL, ",", &save)) {
        char *sign = strchr(f, '=');

        if (!sign)
            continue;
        *sign = '\0';
        if (strcasecmp(f, "type") == 0)
            type = sign + 1;
        else if (strcasecmp(f, "from") == 0)
            from = sign + 1;
    }
    bool ssh = strcasecmp(type, "ssh") == 0;

    if (ssh || strcasecmp(type, "secret") == 0)
        complain_mount(n->r, l, flag->at, ssh);
    else if (from && *from && strcasecmp(type, "tmpfs") != 0)
        need_from(n, l, flag->at, self, from);
}

static void check_add(struct needs *n, const struct dockerfile_line *l)
{
    if (strncmp(l->args, "git@", 4) == 0 || strncmp(l->args, "ssh://", 6) == 0)
        dockerfile_complain(n->r, l, l->args_at, "fetch over https, or put it into the context",
                            "ADD over ssh cannot work: builds have no session that could hand a "
                            "key over");
}

static void need_lines(struct needs *n, size_t stage)
{
    const struct dockerfile_stage *s = &n->r->stages[stage];

    if (s->parent >= 0)
        need_stage(n, s->parent);
    else if (*s->base)
        need_image(n, &n->r->lines.v[s->from], n->r->lines.v[s->from].args_at, s->base,
                   s->platform);
    for (size_t i = s->from + 1; i < s->end; i++) {
        const struct dockerfile_line *l = &n->r->lines.v[i];
        bool copy = strcmp(l->keyword, "COPY") == 0, run = strcmp(l->keyword, "RUN") == 0;

        for (size_t k = 0; k < l->n_flags; k++) {
            const struct dockerfile_flag *f = &l->flags[k];

            if (copy && strncmp(f->text, "--from=", 7) == 0)
                need_from(n, l, f->at, stage, f->text + 7);
            else if (run && strncmp(f->text, "--mount=", 8) == 0)
                read_mount(n, l, f, stage);
        }
        if (strcmp(l->keyword, "ADD") == 0)
            check_add(n, l);
    }
}

static int by_image(const void *a, const void *b)
{
    const struct need_image *x = a, *y = b;
    int order = strcmp(x->image, y->image);

    return order ? order : strcmp(x->platform, y->platform);
}

static void read_needs(struct dockerfile_reader *r, int target, struct dockerfile *out)
{
    struct needs n = {.r = r};

    need_stage(&n, target);
    for (size_t i = 0; i < n.n; i++)
        need_lines(&n, n.todo[i]);
    if (n.n_images > 0)
        qsort(n.images, n.n_images, sizeof(*n.images), by_image);
    for (size_t i = 0; i < n.n_images; i++) {
        if (i > 0 && by_image(&n.images[i - 1], &n.images[i]) == 0)
            continue;
        strv_push(r->a, &out->images, n.images[i].image);
        strv_push(r->a, &out->platforms, n.images[i].platform);
    }
}

/* ---- what the classic builder lacks ---- */

static bool names_engine_arg(const char *text)
{
    for (const char *s = text; *s;) {
        size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

        if (dockerfile_engine_arg(s, n))
            return true;
        s += n + (n == 0);
    }
    return false;
}

static bool line_needs_buildkit(const struct dockerfile_line *l)
{
    bool copies = strcmp(l->keyword, "COPY") == 0 || strcmp(l->keyword, "ADD") == 0;

    for (size_t i = 0; i < l->n_flags; i++) {
        const char *flag = l->flags[i].text;

        if (strcmp(l->keyword, "RUN") == 0)
            return true;
        if (copies && strncmp(flag, "--from=", 7) != 0 && strncmp(flag, "--chown=", 8) != 0)
            return true;
        if (strcmp(l->keyword, "FROM") == 0 && names_engine_arg(flag))
            return true;
    }
    bool may_name = strcmp(l->keyword, "FROM") == 0 || strcmp(l->keyword, "ARG") == 0;

    return l->heredoc || (may_name && names_engine_arg(l->args));
}

static bool needs_buildkit(const struct dockerfile_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        if (line_needs_buildkit(&lines->v[i]))
            return true;
    return false;
}

bool dockerfile_asks_platform(const char *text, size_t n, struct arena *a)
{
    struct dockerfile_lines lines = {0};
    struct diag_list ignored;
    bool inside = false; /* a stage */

    diag_init(&ignored, a);
    if (dockerfile_lines_read("Dockerfile", text, n, a, &ignored, &lines) < 0)
        return false;
    for (size_t i = 0; i < lines.n; i++) {
        const struct dockerfile_line *l = &lines.v[i];
        bool from = strcmp(l->keyword, "FROM") == 0;

        for (size_t k = 0; from && k < l->n_flags; k++)
            if (names_engine_arg(l->flags[k].text))
                return true;
        if ((from || (!inside && strcmp(l->keyword, "ARG") == 0)) && names_engine_arg(l->args))
            return true;
        inside |= from;
    }
    return false;
}

/* ---- all ---- */

/* What BuildKit knows by itself: taken from args where the caller said it. */
static void engine_defaults(struct dockerfile_reader *r)
{
    static const char *const same[][3] = {{"BUILDPLATFORM", "TARGETPLATFORM", ""},
                                          {"BUILDOS", "TARGETOS", "linux"},
                                          {"BUILDARCH", "TARGETARCH", NULL},
                                          {"BUILDVARIANT", "TARGETVARIANT", ""}};

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        const char *target = kvs_get(r->args, same[i][1]);
        const char *build = kvs_get(r->args, same[i][0]);
        const char *otherwise = same[i][2];

        target = target ? target : build ? build : otherwise;
        build = build ? build : target;
        if (target)
            kvs_set(r->a, &r->vars.args, same[i][1], target);
        if (build)
            kvs_set(r->a, &r->vars.args, same[i][0], build);
    }
}

static void read_all(struct dockerfile_reader *r, const char *target, struct dockerfile *out)
{
    int stage;

    check_frontend(r);
    engine_defaults(r);
    read_stages(r);
    if (r->diags->errors > 0 || (stage = find_target(r, target)) < 0)
        return;
    for (size_t i = 0; i < r->n_stages; i++)
        strv_push(r->a, &out->stages,
                  r->stages[i].name ? r->stages[i].name : arena_printf(r->a, "%zu", i));
    read_needs(r, stage, out);
    dockerfile_ports(r, (size_t)stage, &out->exposed);
    out->text = r->lines.text;
    out->syntax_replaced = r->lines.syntax != NULL;
    out->needs_buildkit = needs_buildkit(&r->lines);
}

int dockerfile_read(const char *name, const char *text, size_t n, const struct kvs *args,
                    const char *target, struct arena *a, struct diag_list *diags,
                    struct dockerfile *ret)
{
    static const struct kvs none = {0};
    struct dockerfile_reader *r = ARENA_NEW(a, struct dockerfile_reader);
    struct dockerfile out = {0};
    struct diag_list own;

    diag_init(&own, a);
    *r = (struct dockerfile_reader){
        .name = name, .a = a, .diags = &own, .args = args ? args : &none};
    if (dockerfile_lines_read(name, text, n, a, &own, &r->lines) == 0) {
        r->vars.escape = r->lines.escape;
        r->vars.work = DOCKERFILE_WORK;
        read_all(r, target, &out);
    }
    diag_sort(&own);
    for (size_t i = 0; i < own.n; i++)
        diag_add(diags, own.v[i].level, own.v[i].at, own.v[i].path, own.v[i].source, own.v[i].hint,
                 "%s", own.v[i].what);
    if (own.errors > 0)
        return -1;
    *ret = out;
    return 0;
}
