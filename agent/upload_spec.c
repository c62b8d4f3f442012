/* What may be said of an app beside its archive.
 *
 * Comes in: names and values of a form or query, and the spec that is there. Goes out: the text of the spec in uploads/, one line for each thing that was said, in the place where it was said before.
 * Refuses what would reach the host by itself (folders); all else is judged as a spec of a root is, by who places it. */
#include "agent/upload_spec.h"

#include <jansson.h>

#include "spec/base/arena.h"
#include "spec/limits.h"

enum { ENTRIES_MAX = 64, GPUS_MAX = 64, PORT_MAX = 65535 };

const char upload_spec_fields[] = "route, port, volume, env, secret, gpus, reset";

/* ---- what is said ---- */

static const char *check_port(const char *text)
{
    int64_t v;

    return parse_int64(text, 1, PORT_MAX, &v) < 0 ? "`port` is a number from 1 to 65535" : NULL;
}

static const char *check_gpus(const char *text)
{
    int64_t v;

    return strcmp(text, "all") != 0 && parse_int64(text, 1, GPUS_MAX, &v) < 0
               ? "`gpus` is a number from 1 to 64, or `all`"
               : NULL;
}

static const char *check_route(const char *text)
{
    return strlen(text) > LIMIT_ROUTE_PATH ? "`route` is a path or a host: /blog, blog.example.org"
                                           : NULL;
}

/* A name and no path, a colon, an absolute path, perhaps :ro. */
static const char *check_volume(const char *text)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    const char *wrong = "`volume` is NAME:/PATH or NAME:/PATH:ro, a volume of the app's own; "
                        "folders of the host stand in specs of the operator alone";
    size_t n = strspn(text, name);
    const char *path = text + n + 1, *option;

    if (n == 0 || *text == '.' || *text == '-' || text[n] != ':' || *path != '/' || !path[1])
        return wrong;
    option = strchr(path, ':');
    return option && strcmp(option, ":ro") != 0 && strcmp(option, ":rw") != 0 ? wrong : NULL;
}

static const char *check_env(const char *text)
{
    size_t n = strcspn(text, "= \t");

    return n == 0 || text[n] != '=' ? "`env` is KEY=VALUE" : NULL;
}

static const char *check_secret(const char *text)
{
    const char *target = strchr(text, ':');

    return *text == ':' || (target && target[1] != '/')
               ? "`secret` is the NAME of a secret, or NAME:/PATH of its file in the container"
               : NULL;
}

static const char *check_reset(const char *text)
{
    return strcmp(text, "1") != 0 && strcmp(text, "true") != 0 && strcmp(text, "on") != 0
               ? "`reset` is 1 or left out"
               : NULL;
}

/* UTF-8 without what YAML takes for a control sign or the end of a line (YAML 1.1, 5.1 and 5.4): U+0000 to 1F but the tab, 7F to 9F, 2028, 2029. */
static bool is_text(const char *s)
{
    json_t *v = json_string(s);
    bool good = v != NULL;

    for (const unsigned char *p = (const unsigned char *)s; good && *p; p++)
        good = !(*p < ' ' && *p != '\t') && *p != 0x7f && !(*p == 0xc2 && p[1] < 0xa0) &&
               !(*p == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9));
    json_decref(v);
    return good;
}

struct target {
    const char *name, *(*check)(const char *text);
    const char **one;
    struct strv *many;
};

static int take_one(const struct target *t, const char *text, struct arena *a, struct err *e)
{
    if (!is_text(text))
        return err_set(e, ERR_USER, "`%s` is text in UTF-8, without control signs", t->name);

    const char *wrong = t->check(text);

    if (wrong)
        return err_set(e, ERR_USER, "%s", wrong);
    if (t->many && strv_has(t->many, text))
        return 0;
    if (t->many && t->many->n == ENTRIES_MAX)
        return err_set(e, ERR_USER, "`%s`: there are more than %d", t->name, ENTRIES_MAX);
    if (t->many)
        strv_push(a, t->many, arena_strdup(a, text));
    else if (*t->one && strcmp(*t->one, text) != 0)
        return err_set(e, ERR_USER, "`%s` is there twice", t->name);
    else
        *t->one = arena_strdup(a, text);
    return 0;
}

static int take_lines(const struct target *t, const char *value, struct arena *a, struct err *e)
{
    while (*value) {
        size_t n = strcspn(value, "\n"), end = n;

        if (end > 0 && value[end - 1] == '\r')
            end--;
        if (end > 0 && take_one(t, arena_strndup(a, value, end), a, e) < 0)
            return -1;
        value += n + (value[n] == '\n');
    }
    return 0;
}

int upload_spec_take(struct upload_spec *u, const char *name, const char *value, struct arena *a,
                     struct err *e)
{
    const char *reset = NULL;
    const struct target targets[] = {
        {"route", check_route, NULL, &u->routes},    {"port", check_port, &u->port, NULL},
        {"volume", check_volume, NULL, &u->volumes}, {"env", check_env, NULL, &u->env},
        {"secret", check_secret, NULL, &u->secrets}, {"gpus", check_gpus, &u->gpus, NULL},
        {"reset", check_reset, &reset, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        if (strcmp(targets[i].name, name) != 0)
            continue;
        if (take_lines(&targets[i], value, a, e) < 0)
            return -1;
        u->reset |= reset != NULL;
        return 1;
    }
    return 0;
}

bool upload_spec_given(const struct upload_spec *u)
{
    return u->port || u->gpus || u->routes.n || u->volumes.n || u->env.n || u->secrets.n ||
           u->reset;
}

/* ---- as lines of a spec ---- */

/* As YAML and JSON both take it. In a spec a dollar sign is written twice. */
static void add_quoted(struct str *out, const char *text, size_t n, bool dollars)
{
    CLEANUP(str_release) struct str twice = STR_INIT;

    for (size_t i = 0; i < n; i++) {
        str_addc(&twice, text[i]);
        if (dollars && text[i] == '$')
            str_addc(&twice, '$');
    }
    json_t *v = json_string(str_text(&twice));
    char *s = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;

    str_add(out, s ? s : "\"\"");
    free(s);
    json_decref(v);
}

static void add_list(struct str *out, const struct strv *l)
{
    str_add(out, "[");
    for (size_t i = 0; i < l->n; i++) {
        str_add(out, i > 0 ? ", " : "");
        add_quoted(out, l->v[i], strlen(l->v[i]), true);
    }
    str_add(out, "]");
}

static void write_routes(const struct upload_spec *u, struct str *out)
{
    if (u->routes.n == 1)
        add_quoted(out, u->routes.v[0], strlen(u->routes.v[0]), true);
    else
        add_list(out, &u->routes);
}

static void write_port(const struct upload_spec *u, struct str *out)
{
    str_add(out, u->port);
}

static void write_gpus(const struct upload_spec *u, struct str *out)
{
    if (strcmp(u->gpus, "all") == 0)
        str_add(out, "all");
    else
        str_addf(out, "[{count: %s}]", u->gpus);
}

static void write_volumes(const struct upload_spec *u, struct str *out)
{
    add_list(out, &u->volumes);
}

static void write_env(const struct upload_spec *u, struct str *out)
{
    add_list(out, &u->env);
}

static void write_secrets(const struct upload_spec *u, struct str *out)
{
    str_add(out, "[");
    for (size_t i = 0; i < u->secrets.n; i++) {
        const char *name = u->secrets.v[i];
        size_t n = strcspn(name, ":");

        str_add(out, i > 0 ? ", " : "");
        if (!name[n]) {
            add_quoted(out, name, n, true);
            continue;
        }
        str_add(out, "{source: ");
        add_quoted(out, name, n, true);
        str_add(out, ", target: ");
        add_quoted(out, name + n + 1, strlen(name + n + 1), true);
        str_add(out, "}");
    }
    str_add(out, "]");
}

/* ---- the spec that is there ---- */

/* A line that cannot begin a key of the document: it belongs to the key above. */
static bool goes_on(const char *line)
{
    return *line == ' ' || *line == '\t' ||
           (*line == '-' && (line[1] == ' ' || line[1] == '\n' || line[1] == '\r'));
}

static const char *next_line(const char *line)
{
    size_t n = strcspn(line, "\n");

    return line + n + (line[n] == '\n');
}

/* The lines of a key of the document, from its name to the end of its value; NULL: it has none. */
static const char *find_key(const char *text, const char *key, const char **ret_end)
{
    size_t n = strlen(key);

    for (; *text; text = next_line(text)) {
        if (strncmp(text, key, n) != 0 || text[n] != ':')
            continue;
        *ret_end = next_line(text);
        for (const char *line = *ret_end; *line; line = next_line(line)) {
            if (goes_on(line))
                *ret_end = next_line(line);
            else if (*line != '\n' && *line != '\r' && *line != '#')
                break;
        }
        return text;
    }
    return NULL;
}

/* The old text with one key's value anew, where it stood, or at the end. */
static void put_key(struct str *text, const char *key, const char *value)
{
    CLEANUP(str_release) struct str whole = STR_INIT;
    const char *end = NULL, *at = find_key(str_text(text), key, &end);
    size_t before = at ? (size_t)(at - str_text(text)) : text->len;

    str_addn(&whole, str_text(text), before);
    if (whole.len > 0 && whole.buf[whole.len - 1] != '\n')
        str_add(&whole, "\n");
    str_addf(&whole, "%s: %s\n", key, value);
    str_add(&whole, at ? end : "");
    str_clear(text);
    str_addn(text, str_text(&whole), whole.len);
}

/* False: it is no spec that names one archive. */
static bool begin_with_old(const char *old, const char *bundle, struct str *out)
{
    const char *end = NULL, *source = old ? find_key(old, "source", &end) : NULL;
    const char *at = source ? strstr(source, ".bundles/") : NULL;
    const char *more = at ? strstr(at + 1, ".bundles/") : NULL;

    if (!at || at >= end || (more && more < end))
        return false;
    str_addn(out, old, (size_t)(at - old));
    str_add(out, bundle);
    str_add(out, at + strcspn(at, " ,}\"'\r\n"));
    return true;
}

void upload_spec_write(const struct upload_spec *u, const char *app, const char *bundle,
                       const char *old, struct str *out)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    const struct {
        const char *key;
        bool given;
        void (*write)(const struct upload_spec *u, struct str *out);
    } keys[] = {
        {"route", u->routes.n > 0, write_routes},     {"port", u->port != NULL, write_port},
        {"volumes", u->volumes.n > 0, write_volumes}, {"environment", u->env.n > 0, write_env},
        {"secrets", u->secrets.n > 0, write_secrets}, {"gpus", u->gpus != NULL, write_gpus},
    };

    if (u->reset || !begin_with_old(old, bundle, &text))
        str_addf(&text, "app: %s\nsource: {bundle: %s}\nroute: /%s\n", app, bundle, app);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        CLEANUP(str_release) struct str value = STR_INIT;

        if (!keys[i].given)
            continue;
        keys[i].write(u, &value);
        put_key(&text, keys[i].key, str_text(&value));
    }
    str_addn(out, str_text(&text), text.len);
}
