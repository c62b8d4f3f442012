/* test_advice.c: what a container died of, and the line that it is told to write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reconcile/advice.h"
#include "spec/app.h"
#include "spec/base/attr.h"
#include "spec/base/str.h"

#define MIB (INT64_C(1024) * 1024)

static struct key_place keys[] = {{"mem_limit", {"apps/web.yaml", 7, 1}},
                                  {"security", {"apps/web.yaml", 9, 1}}};
static struct mount mounts[] = {{.target = "/data"}, {.target = "/etc/site", .read_only = TRI_YES}};

static struct service hardened(void)
{
    return (struct service){.at = {"apps/web.yaml", 3, 1},
                            .profile = PROFILE_HARDENED,
                            .mem_limit = {512 * MIB, true},
                            .pids_limit = {100, true},
                            .mounts = mounts,
                            .n_mounts = ARRAY_LEN(mounts)};
}

static void memory(void **state)
{
    CLEANUP(str_release) struct str text = STR_INIT;
    struct service s = hardened();

    (void)state;
    assert_true(advice_on_memory(&s, &text));
    assert_string_equal(str_text(&text), "its mem_limit is 512M, the default; if it needs more "
                                         "write `mem_limit: 1G` in apps/web.yaml:3");
    s.mem_limit.v = 48 * MIB;
    s.places = keys;
    s.n_places = ARRAY_LEN(keys);
    str_clear(&text);
    assert_true(advice_on_memory(&s, &text));
    assert_string_equal(str_text(&text), "its mem_limit is 48M; if it needs more write "
                                         "`mem_limit: 96M` in apps/web.yaml:7");
    s.mem_limit.set = false;
    str_clear(&text);
    assert_true(advice_on_memory(&s, &text));
    assert_non_null(strstr(str_text(&text), "no memory limit of its own"));
}

/* change: what is different from hardened(); advice NULL: none. */
static void words(void **state)
{
    static const struct {
        const char *words;
        struct service change;
        const char *advice;
    } rows[] = {
        {"chown: /var/lib: Operation not permitted",
         {.profile = PROFILE_HARDENED},
         "`security: {profile: service}`, or add one by `cap_add`, in apps/web.yaml:3"},
        {"[Errno 1] EPERM", {.profile = PROFILE_SERVICE}, "`security: {profile: docker}`"},
        {"setuid: operation not permitted",
         {.profile = PROFILE_SERVICE, .defaults = DEFAULTS_COMPOSE},
         "`x-evenkeel: {security: {profile: docker}}`"},
        {"Operation not permitted", {.profile = PROFILE_DOCKER}, NULL},
        {"Operation not permitted", {.privileged = TRI_YES}, NULL},
        {"open /data/x: Permission denied", {.user = "1000:1000"}, "it runs as user 1000:1000"},
        {"open /data/x: Permission denied", {.user = "0"}, "`security: {profile: service}`"},
        {"Error: EACCES: permission denied", {.user = "root"}, "`security: {profile: service}`"},
        {"mkdir /etc/site/x: Read-only file system",
         {.profile = PROFILE_HARDENED},
         "/etc/site is mounted read-only"},
        {"mkdir /run/x: Read-only file system", {.profile = PROFILE_HARDENED}, NULL},
        {"mkdir /run/x: Read-only file system | exit",
         {.read_only = TRI_YES},
         "its own file system is read-only; for what it must write add a volume, or "
         "`tmpfs: [/PATH]`"},
        {"sh: can't fork: Resource temporarily unavailable",
         {.profile = PROFILE_HARDENED},
         "`pids_limit: 200` in apps/web.yaml:3"},
        {"starting\nKilled\n", {.profile = PROFILE_HARDENED}, "`mem_limit: 1G` in apps/web.yaml:3"},
        {"starting | Killed | Killed", {.profile = PROFILE_HARDENED}, "`mem_limit: 1G`"},
        {"FATAL ERROR: JavaScript heap out of memory",
         {.profile = PROFILE_HARDENED},
         "`mem_limit: 1G`"},
        {"Killed 3 idle workers", {.profile = PROFILE_HARDENED}, NULL},
        {"listening on port 80", {.profile = PROFILE_HARDENED}, NULL},
        {"", {.profile = PROFILE_HARDENED}, NULL},
    };
    (void)state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        struct service s = hardened();

        s.profile = rows[i].change.profile ? rows[i].change.profile : s.profile;
        s.defaults = rows[i].change.defaults;
        s.privileged = rows[i].change.privileged;
        s.read_only = rows[i].change.read_only;
        s.user = rows[i].change.user;
        assert_int_equal(advice_on_words(&s, rows[i].words, &text), rows[i].advice != NULL);
        if (rows[i].advice ? !strstr(str_text(&text), rows[i].advice) : text.len > 0)
            fail_msg("%s: %s", rows[i].words, str_text(&text));
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *option, *error, *advice;
    } rows[] = {
        {"apparmor=mine", "unable to apply apparmor profile: no such file or directory",
         "AppArmor profile mine is not loaded"},
        {"apparmor:mine", "AppArmor is not enabled", "AppArmor profile mine is not loaded"},
        {"apparmor=mine", "port is already allocated", NULL},
        {"label=disable", "unable to apply apparmor profile", NULL},
        {"seccomp=./own.json", "Decoding seccomp profile failed: invalid",
         "the seccomp profile ./own.json; "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(str_release) struct str text = STR_INIT;
        struct service s = hardened();
        const char *options[] = {"no-new-privileges:true", rows[i].option};

        s.security_opt = (struct strv){.v = options, .n = 2};
        assert_int_equal(advice_on_refusal(&s, rows[i].error, &text), rows[i].advice != NULL);
        if (rows[i].advice)
            assert_non_null(strstr(str_text(&text), rows[i].advice));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory), cmocka_unit_test(words),
                                       cmocka_unit_test(refusals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
