/* advice.c: from a death to the line that would have prevented it.
 *
 * In: a service as it was created, and its last lines or the fact that it ran out of memory. Out: the profile or limit that was in its
 * way, and the line to write with its place. It guesses from words, so it says "may" or "if"; only that it ran out of memory can be
 * the engine's own verdict. It says nothing where the service is not narrower than Docker, and it changes nothing. */
#include "reconcile/advice.h"

#include <string.h>

#include "spec/app.h"
#include "spec/base/attr.h"
#include "spec/base/str.h"
#include "spec/defaults.h"

static bool any_of(const char *words, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasestr(words, list[i]))
            return true;
    return false;
}

/* " in apps/blog.yaml:4": where the key stands, else where the service does. */
static void add_place(const struct service *s, const char *key, struct str *out)
{
    const struct place *at = &s->at;

    for (size_t i = 0; i < s->n_places; i++)
        if (strcmp(s->places[i].key, key) == 0)
            at = &s->places[i].at;
    if (at->file)
        str_addf(out, " in %s:%d", at->file, at->line);
}

/* ---- memory ---- */

bool advice_on_memory(const struct service *s, struct str *out)
{
    int64_t limit = s->mem_limit.set ? s->mem_limit.v : 0;

    if (limit <= 0) {
        str_add(out, "it has no memory limit of its own, so the host's memory was used up");
        return true;
    }
    str_add(out, "its mem_limit is ");
    str_add_bytes(out, limit);
    if (limit == DEFAULT_MEMORY_BYTES)
        str_add(out, ", the default");
    str_add(out, "; if it needs more write `mem_limit: ");
    str_add_bytes(out, limit <= INT64_MAX / 2 ? 2 * limit : limit);
    str_addc(out, '`');
    add_place(s, "mem_limit", out);
    return true;
}

/* A shell's whole line about a child of its. Newer engines do not report those that the kernel ended, only the first process. */
static bool says_killed(const char *words)
{
    static const char killed[] = "Killed";

    for (const char *at = strstr(words, killed); at; at = strstr(at + 1, killed)) {
        const char *end = at + sizeof(killed) - 1;
        bool begins =
            at == words || at[-1] == '\n' || (at - words >= 2 && strncmp(at - 2, "| ", 2) == 0);

        if (begins && (!*end || *end == '\n' || strncmp(end, " |", 2) == 0))
            return true;
    }
    return false;
}

static bool on_memory(const struct service *s, const char *words, struct str *out)
{
    static const char *const signs[] = {"out of memory", "cannot allocate memory", "bad_alloc",
                                        "MemoryError"};

    if (!s->mem_limit.set || s->mem_limit.v <= 0 ||
        (!any_of(words, signs, ARRAY_LEN(signs)) && !says_killed(words)))
        return false;
    return advice_on_memory(s, out);
}

/* ---- a file system that cannot be written ---- */

static bool on_read_only(const struct service *s, const char *words, struct str *out)
{
    static const char *const signs[] = {"read-only file system", "EROFS", "readonly file system"};

    if (!any_of(words, signs, ARRAY_LEN(signs)))
        return false;
    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].read_only == TRI_YES && strstr(words, s->mounts[i].target)) {
            str_addf(out, "%s is mounted read-only; if it must write there take `ro` away",
                     s->mounts[i].target);
            add_place(s, "volumes", out);
            return true;
        }
    if (s->read_only != TRI_YES)
        return false;
    str_add(out, "its own file system is read-only; for what it must write add a volume, or "
                 "`tmpfs: [/PATH]`, or write `read_only: false`");
    add_place(s, "read_only", out);
    return true;
}

/* ---- what it may not do ---- */

static const char *user_of(const struct service *s)
{
    const char *user = s->user;

    return user && *user && strcmp(user, "0") != 0 && strncmp(user, "0:", 2) != 0 &&
                   strncmp(user, "root", 4) != 0
               ? user
               : NULL;
}

static bool is_narrowed(const struct service *s)
{
    return s->privileged != TRI_YES && s->profile != PROFILE_DOCKER &&
           !strv_has(&s->cap_add, "ALL");
}

static bool on_permission(const struct service *s, const char *words, struct str *out)
{
    static const char *const signs[] = {"operation not permitted", "EPERM"};
    static const char *const access[] = {"permission denied", "EACCES"};
    bool hardened = s->profile != PROFILE_SERVICE, not_permitted;
    const char *wider = hardened ? "service" : "docker";

    not_permitted = any_of(words, signs, ARRAY_LEN(signs));
    if (!not_permitted && !any_of(words, access, ARRAY_LEN(access)))
        return false;
    if (!not_permitted && user_of(s)) {
        str_addf(out,
                 "it runs as user %s, who may not use what it names; give those files to that "
                 "user, or change `user`",
                 user_of(s));
        add_place(s, "user", out);
        return true;
    }
    if (!is_narrowed(s))
        return false;
    str_addf(out, "profile %s may be in its way: ", hardened ? "hardened" : "service");
    str_add(out, hardened ? "it leaves no capability but NET_BIND_SERVICE"
                          : "it leaves what the entrypoints of usual images need");
    str_addf(out,
             s->defaults == DEFAULTS_COMPOSE
                 ? "; write `x-evenkeel: {security: {profile: %s}}`, or add one by `cap_add`,"
                 : "; write `security: {profile: %s}`, or add one by `cap_add`,",
             wider);
    add_place(s, "security", out);
    return true;
}

/* ---- processes ---- */

static bool on_processes(const struct service *s, const char *words, struct str *out)
{
    static const char *const signs[] = {"can't fork",
                                        "cannot fork",
                                        "unable to fork",
                                        "fork failed",
                                        "can't start new thread",
                                        "pthread_create",
                                        "resource temporarily unavailable"};

    if (!s->pids_limit.set || s->pids_limit.v <= 0 || !any_of(words, signs, ARRAY_LEN(signs)))
        return false;
    str_addf(out,
             "it may have %lld processes and threads; if it needs more write `pids_limit: %lld`",
             (long long)s->pids_limit.v, 2 * (long long)s->pids_limit.v);
    add_place(s, "pids_limit", out);
    return true;
}

bool advice_on_words(const struct service *s, const char *words, struct str *out)
{
    return on_read_only(s, words, out) || on_permission(s, words, out) ||
           on_processes(s, words, out) || on_memory(s, words, out);
}

/* ---- what the engine would not start ---- */

/* The profile that `security_opt` names for this module, or NULL. */
static const char *named_profile(const struct service *s, const char *module)
{
    size_t n = strlen(module);

    for (size_t i = 0; i < s->security_opt.n; i++) {
        const char *option = s->security_opt.v[i];

        if (strncmp(option, module, n) == 0 && (option[n] == '=' || option[n] == ':'))
            return option + n + 1;
    }
    return NULL;
}

bool advice_on_refusal(const struct service *s, const char *error, struct str *out)
{
    const char *apparmor = named_profile(s, "apparmor"), *seccomp = named_profile(s, "seccomp");

    if (apparmor && strcasestr(error, "apparmor")) {
        str_addf(out,
                 "the AppArmor profile %s is not loaded on the host, or the host has no AppArmor; "
                 "load it there with `apparmor_parser -r FILE`, or take it out of `security_opt`",
                 apparmor);
    } else if (seccomp && strcasestr(error, "seccomp")) {
        str_addf(out,
                 "the engine does not take the seccomp profile %s; correct it, or take it "
                 "out of `security_opt`",
                 seccomp);
    } else {
        return false;
    }
    add_place(s, "security_opt", out);
    return true;
}
