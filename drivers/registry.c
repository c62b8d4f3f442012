/* registry.c: credentials for a registry, from config.json or from the helper that it names.
 *
 * In: the folder of config.json and an image reference. Out: the value of X-Registry-Auth, if there is one.
 * A helper is a program that a desktop or cloud tool installed; it may hang or print anything. It is run by name without a
 * shell, its output is bounded, never blocked on, and never repeated in a message.
 * It contacts no registry, writes no file, and keeps nothing: what it read is gone with the caller's arena. */
#include "drivers/registry.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

#define HUB "docker.io"
#define HUB_SERVER "https://index.docker.io/v1/"

enum {
    CONFIG_BYTES = 1024 * 1024,
    HELPER_BYTES = 64 * 1024,
};

/* ---- names ---- */

const char *registry_of(const char *reference, struct arena *a)
{
    size_t n = strcspn(reference, "/");
    const char *first;

    if (!reference[n])
        return HUB;
    first = arena_strndup(a, reference, n);
    if (strcmp(first, "index.docker.io") == 0)
        return HUB;
    if (strchr(first, '.') || strchr(first, ':') || strcmp(first, "localhost") == 0)
        return first;
    return HUB;
}

/* Keys of config.json may be "https://host/v1/" or "host". */
static bool names_server(const char *key, const char *registry)
{
    const char *from = strstr(key, "://");
    size_t n;

    from = from ? from + 3 : key;
    n = strcspn(from, "/");
    if (strcmp(registry, HUB) == 0 && n == strlen("index.docker.io") &&
        strncmp(from, "index.docker.io", n) == 0)
        return true;
    return n == strlen(registry) && strncmp(from, registry, n) == 0;
}

/* The member whose key names the server; an exact one is preferred. */
static const json_t *member_for(const json_t *object, const struct registry_login *l)
{
    const json_t *exact = json_object_get(object, l->server);
    const char *key;
    json_t *value;

    if (exact || !json_is_object(object))
        return exact;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (names_server(key, l->registry))
            return value;
    }
    return NULL;
}

/* ---- the header ---- */

/* base64 for URLs, with padding, as the engine's decoder wants it. */
static char *base64_url(const char *bytes, size_t n, struct arena *a)
{
    char *text = arena_alloc(a, 4 * ((n + 2) / 3) + 1);

    (void)EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes, (int)n);
    for (char *c = text; *c; c++)
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return text;
}

static const char *header_of(json_t *auth, struct arena *a)
{
    CLEANUP(str_release) struct str s = STR_INIT;
    const char *header;

    if (!auth)
        return NULL;
    js_canonical(auth, &s);
    header = base64_url(str_text(&s), s.len, a);
    json_decref(auth);
    explicit_bzero(s.buf, s.len);
    return header;
}

static const char *header_with_password(const char *user, const char *password, const char *server,
                                        struct arena *a)
{
    return header_of(json_pack("{s:s, s:s, s:s}", "username", user, "password", password,
                               "serveraddress", server),
                     a);
}

static const char *header_with_token(const char *token, const char *server, struct arena *a)
{
    return header_of(json_pack("{s:s, s:s}", "identitytoken", token, "serveraddress", server), a);
}

/* "dXNlcjpwYXNz" -> "user", "pass" */
static int split_auth(const char *auth, struct arena *a, char **ret_user, char **ret_password)
{
    size_t n = strlen(auth);
    char *plain, *colon;
    int len;

    if (n == 0 || n % 4 != 0 || n > INT_MAX / 2)
        return -1;
    plain = arena_alloc(a, n / 4 * 3 + 1);
    len = EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)auth, (int)n);
    if (len < 0)
        return -1;
    plain[len] = '\0';
    colon = strchr(plain, ':');
    if (!colon)
        return -1;
    *colon = '\0';
    *ret_user = plain;
    *ret_password = colon + 1;
    return 0;
}

static const char *header_from_file(const json_t *entry, const char *server, struct arena *a)
{
    const char *token = js_str(entry, "identitytoken", NULL), *auth = js_str(entry, "auth", NULL);
    const char *name = js_str(entry, "username", NULL), *word = js_str(entry, "password", NULL);
    char *user, *password;

    if (token && token[0])
        return header_with_token(token, server, a);
    if (auth && split_auth(auth, a, &user, &password) == 0)
        return header_with_password(user, password, server, a);
    if (name && word)
        return header_with_password(name, word, server, a);
    return NULL;
}

/* ---- config.json ---- */

static bool is_helper_name(const char *name)
{
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            return false;
    return name[0] && strlen(name) < 100;
}

static const char *helper_for(const json_t *config, const struct registry_login *l, struct arena *a)
{
    const json_t *own = member_for(js_at(config, "credHelpers"), l);
    const char *name =
        json_is_string(own) ? json_string_value(own) : js_str(config, "credsStore", NULL);

    return name && is_helper_name(name) ? arena_printf(a, "docker-credential-%s", name) : NULL;
}

int registry_find(const char *dir, const char *reference, struct arena *a,
                  struct registry_login *ret, struct err *e)
{
    struct registry_login l = {.registry = registry_of(reference, a)};
    const char *path, *text;
    struct err why = {0};
    size_t n;
    json_t *config;

    l.server = strcmp(l.registry, HUB) == 0 ? HUB_SERVER : l.registry;
    *ret = l;
    if (!dir)
        return 0;
    path = fsx_join(dir, "config.json", a);
    if (fsx_read(path, CONFIG_BYTES, a, &text, &n, NULL, &why) < 0) {
        if (why.kind == ERR_MISSING)
            return 0;
        if (e)
            *e = why;
        return -1;
    }
    config = js_parse(text, n, e);
    if (!config)
        return err_wrap(e, "%s", path);
    l.helper = helper_for(config, &l, a);
    l.header = header_from_file(member_for(js_at(config, "auths"), &l), l.server, a);
    json_decref(config);
    *ret = l;
    return 0;
}

/* ---- helpers ---- */

struct registry_helper {
    char *program, *server;
    pid_t pid; /* 0: reaped */
    int out;
    int status;
    bool at_end, flooded;
    struct str said;
};

static int spawn_helper(struct registry_helper *h, int in, int out)
{
    char *argv[] = {h->program, (char[]){"get"}, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, pipe_only;
    int failed;

    (void)sigemptyset(&none);
    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, in, 0);
    (void)posix_spawn_file_actions_adddup2(&files, out, 1);
    (void)posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setsigdefault(&attr, &pipe_only);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    failed = posix_spawnp(&h->pid, h->program, &files, &attr, argv, environ);
    (void)posix_spawnattr_destroy(&attr);
    (void)posix_spawn_file_actions_destroy(&files);
    if (failed)
        h->pid = 0;
    return failed;
}

struct registry_helper *registry_helper_start(const char *program, const char *server,
                                              struct err *e)
{
    struct registry_helper *h = xcalloc(1, sizeof(*h));
    int in[2] = {-1, -1}, out[2] = {-1, -1}, failed = 0;
    size_t n = strlen(server);

    h->program = xstrdup(program);
    h->server = xstrdup(server);
    h->out = -1;
    /* The question fits a pipe's buffer, so it is written before there is a reader. */
    if (n > PIPE_BUF || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
        write(in[1], server, n) != (ssize_t)n || fcntl(out[0], F_SETFL, O_NONBLOCK) < 0)
        failed = n > PIPE_BUF ? ENAMETOOLONG : errno;
    if (!failed)
        failed = spawn_helper(h, in[0], out[1]);
    h->out = out[0];
    if (in[0] >= 0)
        (void)close(in[0]);
    if (in[1] >= 0)
        (void)close(in[1]);
    if (out[1] >= 0)
        (void)close(out[1]);
    if (!failed)
        return h;
    (void)err_errno(e, failed, "credential helper %s", program);
    registry_helper_free(h);
    return NULL;
}

static void read_answer(struct registry_helper *h)
{
    char bytes[4096];
    ssize_t n = 0;

    while (!h->at_end && (n = read(h->out, bytes, sizeof(bytes))) > 0) {
        str_addn(&h->said, bytes, (size_t)n);
        h->flooded = h->said.len > HELPER_BYTES;
        h->at_end = h->flooded;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        h->at_end = true;
    if (h->flooded && h->pid > 0)
        (void)kill(h->pid, SIGKILL); /* it would wait for a reader for ever */
    explicit_bzero(bytes, sizeof(bytes));
}

static bool reap(struct registry_helper *h)
{
    pid_t got;

    if (h->pid == 0)
        return true;
    got = waitpid(h->pid, &h->status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return false;
    if (got < 0)
        h->status = 0; /* somebody else reaped it: its answer must do */
    h->pid = 0;
    return true;
}

static const char *header_from_helper(const struct registry_helper *h, struct arena *a)
{
    json_t *v = js_parse(str_text(&h->said), h->said.len, NULL);
    const char *user = js_str(v, "Username", NULL), *secret = js_str(v, "Secret", NULL),
               *header = NULL;

    if (user && secret && strcmp(user, "<token>") == 0)
        header = header_with_token(secret, h->server, a);
    else if (user && secret)
        header = header_with_password(user, secret, h->server, a);
    json_decref(v);
    return header;
}

enum registry_helper_state registry_helper_step(struct registry_helper *h, struct arena *a,
                                                const char **ret_header, struct err *e)
{
    const char *header;

    read_answer(h);
    if (!reap(h))
        return HELPER_RUNNING;
    read_answer(h); /* what it wrote between the two */
    if (WIFEXITED(h->status) && WEXITSTATUS(h->status) == 0) {
        header = header_from_helper(h, a);
        if (header) {
            *ret_header = header;
            return HELPER_KNOWS;
        }
        (void)err_set(e, ERR_USER, "credential helper %s gave an answer that is none", h->program);
        return HELPER_FAILED;
    }
    if (h->flooded) {
        (void)err_set(e, ERR_USER, "credential helper %s says too much", h->program);
        return HELPER_FAILED;
    }
    /* Its way of saying that it has nothing; the words are part of the protocol. */
    if (strstr(str_text(&h->said), "credentials not found"))
        return HELPER_KNOWS_NOTHING;
    if (WIFSIGNALED(h->status))
        (void)err_set(e, ERR_USER, "credential helper %s was ended by signal %d", h->program,
                      WTERMSIG(h->status));
    else
        (void)err_set(e, ERR_USER, "credential helper %s failed with code %d", h->program,
                      WEXITSTATUS(h->status));
    return HELPER_FAILED;
}

void registry_helper_free(struct registry_helper *h)
{
    if (!h)
        return;
    if (h->pid > 0) {
        (void)kill(h->pid, SIGKILL);
        while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
            continue;
    }
    if (h->out >= 0)
        (void)close(h->out);
    if (h->said.buf)
        explicit_bzero(h->said.buf, h->said.len);
    str_release(&h->said);
    free(h->program);
    free(h->server);
    free(h);
}
