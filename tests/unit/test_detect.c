/* test_detect.c: applications without a Dockerfile: each folder of tests/detect/ is one, with what is expected in its Dockerfile.expect (the
 * Dockerfile, or the error) and what the spec says in its detect.options. EVENKEEL_UPDATE=1 rewrites what is expected. Every Dockerfile made must itself
 * be readable, and nothing in a file may become an instruction of it. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/detect.h"
#include "spec/detect_parts.h"
#include "spec/dockerfile.h"
#include "spec/dockerfile_lines.h"

#define FOLDER "tests/detect"

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static char *slurp(struct arena *a, const char *path, size_t *ret_n)
{
    FILE *f = fopen(path, "re");
    CLEANUP(str_release) struct str s = STR_INIT;
    char piece[4096];
    size_t n;

    if (!f)
        return NULL;
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        str_addn(&s, piece, n);
    (void)fclose(f);
    *ret_n = s.len;
    return arena_strndup(a, str_text(&s), s.len);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct strv folder_entries(struct arena *a, const char *folder, unsigned char type)
{
    struct strv names = {0};
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (entry->d_type == type && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            strv_push(a, &names, arena_strdup(a, entry->d_name));
    (void)closedir(dir);
    return names;
}

/* ---- contexts ---- */

struct files { /* a folder on disk, or pairs of path and text */
    struct arena *a;
    const char *folder;
    struct kvs made;
};

static const char *read_file(void *ctx, const char *path, struct arena *a, size_t *ret_n)
{
    const struct files *f = ctx;
    const char *text = kvs_get(&f->made, path);

    if (!f->folder) {
        *ret_n = text ? strlen(text) : 0;
        return text;
    }
    return slurp(a, arena_printf(a, "%s/%s", f->folder, path), ret_n);
}

static void add_paths(struct arena *a, const char *folder, const char *prefix, struct strv *paths)
{
    struct strv files = folder_entries(a, folder, DT_REG),
                folders = folder_entries(a, folder, DT_DIR);

    for (size_t i = 0; i < files.n; i++)
        if (*prefix || (strcmp(files.v[i], "Dockerfile.expect") != 0 &&
                        strcmp(files.v[i], "detect.options") != 0))
            strv_push(a, paths, arena_printf(a, "%s%s", prefix, files.v[i]));
    for (size_t i = 0; i < folders.n; i++)
        add_paths(a, arena_printf(a, "%s/%s", folder, folders.v[i]),
                  arena_printf(a, "%s%s/", prefix, folders.v[i]), paths);
}

static void read_options(struct arena *a, const char *folder, struct detect_input *in)
{
    size_t n;
    char *text = slurp(a, arena_printf(a, "%s/detect.options", folder), &n), *save = NULL;

    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *sign = strchr(line, '=');

        assert_non_null(sign);
        *sign = '\0';
        if (strcmp(line, "start") == 0)
            in->start = sign + 1;
        else if (strcmp(line, "requirements") == 0)
            in->requirements = sign + 1;
        else if (strcmp(line, "strategy") == 0)
            in->strategy = sign + 1;
        else if (strcmp(line, "port") == 0)
            in->port = atoi(sign + 1);
        else
            fail_msg("%s: unknown option %s", folder, line);
    }
}

/* Whatever was made must be a Dockerfile that this project can send itself, and name no instruction that was not ours. */
static void check_made(struct arena *a, const struct detected *d)
{
    static const char *const ours[] = {"FROM", "WORKDIR", "COPY", "RUN",
                                       "ENV",  "EXPOSE",  "USER", "CMD"};
    struct diag_list diags;
    struct dockerfile read;
    struct dockerfile_lines lines;
    size_t commands = 0, users = 0;

    diag_init(&diags, a);
    if (dockerfile_read("Dockerfile", d->dockerfile, strlen(d->dockerfile), NULL, NULL, a, &diags,
                        &read) < 0)
        fail_msg("made what cannot be read: %s\n%s", diags.v[0].what, d->dockerfile);
    assert_int_equal(read.exposed.n, 1);
    assert_string_equal(read.exposed.v[0], arena_printf(a, "%d/tcp", d->port));
    assert_false(read.syntax_replaced);
    assert_int_equal(dockerfile_lines_read("Dockerfile", d->dockerfile, strlen(d->dockerfile), a,
                                           &diags, &lines),
                     0);
    for (size_t i = 0; i < lines.n; i++) {
        struct strv known = {(const char **)(uintptr_t)ours, ARRAY_LEN(ours)};

        if (!strv_has(&known, lines.v[i].keyword))
            fail_msg("an instruction that is not ours: %s\n%s", lines.v[i].joined, d->dockerfile);
        commands += strcmp(lines.v[i].keyword, "CMD") == 0;
        users += strcmp(lines.v[i].keyword, "USER") == 0;
    }
    assert_int_equal(commands, 1);
    assert_true(users >= 1);
    assert_string_equal(lines.v[lines.n - 1].keyword, "CMD");
    assert_int_equal(lines.v[lines.n - 1].args[0], '[');
    assert_non_null(d->language);
    assert_non_null(d->because);
    assert_non_null(d->start);
}

static void run_case(struct arena *a, const char *folder, struct str *out)
{
    struct files files = {.a = a, .folder = folder};
    struct detect_input in = {.read = read_file, .ctx = &files, .strategy = "auto"};
    struct detected d, untouched;
    struct err e = {0};

    add_paths(a, folder, "", &in.paths);
    if (in.paths.n > 0)
        qsort(in.paths.v, in.paths.n, sizeof(*in.paths.v), by_name);
    read_options(a, folder, &in);
    memset(&d, 0xa5, sizeof(d));
    memset(&untouched, 0xa5, sizeof(untouched));
    if (detect_application(&in, a, &d, &e) < 0) {
        assert_memory_equal(&d, &untouched, sizeof(d));
        assert_int_equal(e.kind, ERR_USER);
        str_addf(out, "error: %s\n", e.msg);
        return;
    }
    check_made(a, &d);
    str_addf(out, "## %s, because of %s; starts %s; port %d\n%s", d.language, d.because, d.start,
             d.port, d.dockerfile);
}

static void applications_as_expected(void **state)
{
    struct strv names = folder_entries(*state, FOLDER, DT_DIR);
    size_t wrong = 0;

    assert_true(names.n >= 30);
    qsort(names.v, names.n, sizeof(*names.v), by_name);
    for (size_t i = 0; i < names.n; i++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        CLEANUP(str_release) struct str got = STR_INIT;
        const char *folder = arena_printf(a, FOLDER "/%s", names.v[i]);
        const char *path = arena_printf(a, "%s/Dockerfile.expect", folder);
        size_t n;
        char *want = slurp(a, path, &n);

        run_case(a, folder, &got);
        if (getenv("EVENKEEL_UPDATE")) {
            FILE *f = fopen(path, "we");

            assert_non_null(f);
            assert_int_equal(fwrite(str_text(&got), 1, got.len, f), got.len);
            assert_int_equal(fclose(f), 0);
        } else if (!want || strcmp(want, str_text(&got)) != 0) {
            wrong++;
            print_message("%s:\n--- expected\n%s--- got\n%s", names.v[i], want ? want : "",
                          str_text(&got));
        }
    }
    assert_int_equal(wrong, 0);
}

/* ---- what strangers write ---- */

static const char *const hostile[] = {
    "x\nRUN evil",
    "x\r\nFROM evil",
    "x \\\nRUN evil",
    "x\\",
    "\nRUN evil\n",
    "$(evil)",
    "`evil`",
    "x; RUN evil",
    "x\"]\nRUN evil\nCMD [\"y",
    "x' && evil '",
    "<<EOF",
    "x <<EOF\nRUN evil",
    "--from=evil",
    "../../etc/passwd",
    "/etc/passwd",
    "-rf",
    "x\tRUN evil",
    "\xe2\x80\xa8RUN evil",
    "\xff\xfe",
    "18 RUN",
    "syntax=evil/frontend",
    "",
    " ",
    "..",
    ".",
    "${PATH}",
    "a b c",
    "%s%n%d",
};

/* Files in which X stands for what a stranger wrote. */
static const struct {
    const char *path, *text, *with, *with_text;
} templates[] = {
    {"package.json",
     "{\"main\": \"X\", \"packageManager\": \"pnpm@X\", \"engines\": {\"node\": \"X\"}}",
     "index.js", ""},
    {"package.json", "{\"scripts\": {\"start\": \"node X\", \"build\": \"X\"}}", ".nvmrc", "X"},
    {"package.json", "{\"main\": \"a.js\", \"dependencies\": {\"X\": \"X\"}}", "a.js", "X"},
    {"package.json", "{\"scripts\": {\"build\": \"X\"}, \"devDependencies\": {\"vite\": \"X\"}}",
     "pnpm-lock.yaml", "lockfileVersion: X\n"},
    {"Procfile", "web: X", "package.json", "{}"},
    {"runtime.txt", "python-3.X", "app.py", "X = Flask(__name__)"},
    {"requirements.txt", "X", "main.py", "X: FastAPI = FastAPI()"},
    {"pyproject.toml",
     "[project]\nname = \"X\"\nrequires-python = \"X\"\n[project.scripts]\nX = \"X\"\n", "X.py",
     "X"},
    {"manage.py", "", "X/wsgi.py", "X"},
    {"go.mod", "module X\n\ngo 1.X\n", "main.go", "package main"},
    {"go.mod", "module a\n\ngo 1.22\n", "cmd/X/main.go", "package main"},
    {"Cargo.toml", "[package]\nname = \"X\"\ndefault-run = \"X\"\n", "src/main.rs", ""},
    {"Cargo.toml", "[package]\nname = \"a\"\n[[bin]]\nname = 'X'\n", "src/main.rs", ""},
    {"Gemfile", "ruby \"X\"\ngem \"X\"\n", "config.ru", "X"},
    {"composer.json", "{\"require\": {\"php\": \"X\", \"ext-X\": \"X\"}}", "index.php", ""},
    {"pom.xml", "<java.version>X</java.version>", "mvnw", "X"},
    {"build.gradle", "sourceCompatibility = X\n", "system.properties", "java.runtime.version=X\n"},
    {"X.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><TargetFramework>netX</TargetFramework>",
     "a", ""},
    {"a.csproj",
     "Microsoft.NET.Sdk.Web "
     "<TargetFramework>net8.0</TargetFramework><AssemblyName>X</AssemblyName>",
     "a", ""},
    {"index.html", "X", "X", "X"},
};

static const char *filled(struct arena *a, const char *text, const char *with, bool json)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    for (; *text; text++) {
        if (*text != 'X') {
            str_addc(&s, *text);
            continue;
        }
        for (const char *c = with; *c; c++)
            if (json && (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20))
                str_addf(&s, "\\u%04x", (unsigned)*c);
            else
                str_addc(&s, *c);
    }
    return arena_strdup(a, str_text(&s));
}

static bool try_files(struct arena *a, struct kvs *made, const char *start,
                      const char *requirements)
{
    struct files files = {.a = a, .made = *made};
    struct detect_input in = {
        .read = read_file, .ctx = &files, .start = start, .requirements = requirements};
    struct detected d;
    struct err e = {0};

    for (size_t i = 0; i < made->n; i++)
        strv_push(a, &in.paths, made->v[i].key);
    if (detect_application(&in, a, &d, &e) < 0) {
        assert_int_equal(e.kind, ERR_USER);
        return false;
    }
    check_made(a, &d);
    return true;
}

static void nothing_of_a_file_becomes_an_instruction(void **state)
{
    size_t made = 0;

    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(templates); t++)
        for (size_t h = 0; h < ARRAY_LEN(hostile); h++) {
            CLEANUP(arena_freep) struct arena *a = arena_new();
            struct kvs files = {0};
            bool json = strstr(templates[t].path, ".json") != NULL;

            kvs_set(a, &files, filled(a, templates[t].path, hostile[h], false),
                    filled(a, templates[t].text, hostile[h], json));
            kvs_set(a, &files, filled(a, templates[t].with, hostile[h], false),
                    filled(a, templates[t].with_text, hostile[h], false));
            made += try_files(a, &files, NULL, NULL);
        }
    /* Most of them are still applications, just not ones with instructions of their own. */
    assert_true(made > ARRAY_LEN(templates) * ARRAY_LEN(hostile) / 3);
}

static void nothing_of_a_spec_becomes_an_instruction(void **state)
{
    size_t made = 0;

    (void)state;
    for (size_t h = 0; h < ARRAY_LEN(hostile); h++) {
        CLEANUP(arena_freep) struct arena *a = arena_new();
        struct kvs files = {0};

        kvs_set(a, &files, hostile[h], "flask");
        kvs_set(a, &files, "app.py", "");
        made += try_files(a, &files, hostile[h], NULL);
        made += try_files(a, &files, "python app.py", hostile[h]);
        made += try_files(a, &files, arena_printf(a, "python '%s'", hostile[h]), NULL);
    }
    assert_true(made > ARRAY_LEN(hostile));
}

/* ---- versions ---- */

static void versions_from_ranges(void **state)
{
    static const struct {
        const char *range;
        int major, preferred, want;
    } rows[] = {
        {"18", -1, 24, 18},
        {"v18.17.0", -1, 24, 18},
        {"18.x", -1, 24, 18},
        {"^18.2.0", -1, 24, 18},
        {"~20.1", -1, 24, 20},
        {">=18", -1, 24, 24},
        {">=26", -1, 24, 26},
        {">=16 <19", -1, 24, 18},
        {">=16.0.0 <=20", -1, 24, 20},
        {"<22", -1, 24, 21},
        {"<22.3", -1, 24, 22},
        {"18 || 20", -1, 24, 20},
        {"^18 || ^20 || >=22", -1, 24, 24},
        {"25 || 26", -1, 24, 25},
        {"*", -1, 24, 0},
        {"latest", -1, 24, 0},
        {"lts/*", -1, 24, 0},
        {"", -1, 24, 0},
        {">18", -1, 18, 19},
        {">18.1", -1, 18, 18},
        {"= 20", -1, 24, 20},
        {"999999999999999999", -1, 24, 100000},
        {"3.11", 3, 13, 11},
        {"python-3.11.4", 3, 13, 11},
        {">=3.9", 3, 13, 13},
        {">=3.9,<3.12", 3, 13, 11},
        {">=3.9,<4.0", 3, 13, 13},
        {"^3.8", 3, 13, 13},
        {"~3.10", 3, 13, 10},
        {"~=3.10", 3, 13, 13},
        {"~=3.10.2", 3, 13, 10},
        {"==3.11.*", 3, 13, 11},
        {">=3.14", 3, 13, 14},
        {">=3", 3, 13, 0},
        {">=3.9,!=3.13", 3, 13, 13},
        {"3", 3, 13, 0},
        {"2.7", 3, 13, 0},
        {"ruby \"3.2.2\"", 3, 4, 2},
        {"^8.2", 8, 4, 4},
        {"~8.1.0", 8, 4, 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got = rows[i].major < 0 ? detect_major(rows[i].range, rows[i].preferred)
                                    : detect_minor(rows[i].range, rows[i].major, rows[i].preferred);

        if (got != rows[i].want)
            fail_msg("\"%s\": %d, not %d", rows[i].range, rows[i].want, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(applications_as_expected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_from_ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_of_a_file_becomes_an_instruction, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_of_a_spec_becomes_an_instruction, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
