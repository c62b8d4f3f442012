/* quarantine_folder.c: the folder of quarantine records.
 *
 * In: the folder, texts to be written. Out: what its files say, read when asked and not by itself. It decides nothing: when a
 * volume comes in and goes is the planner's business. Names that no volume can have are nobody's and are left alone. */
#include "drivers/quarantine_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/fsx.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"
#include "spec/limits.h"

struct quarantine_folder {
    char *dir;
    struct arena *arena; /* of the records */
    struct quarantine_record *v;
    size_t n;
    bool news; /* other records since somebody asked */
};

struct quarantine_folder *quarantine_folder_new(const char *dir)
{
    struct quarantine_folder *q = xcalloc(1, sizeof(*q));

    q->dir = xstrdup(dir);
    q->arena = arena_new();
    return q;
}

void quarantine_folder_free(struct quarantine_folder *q)
{
    if (!q)
        return;
    arena_free(q->arena);
    free(q->dir);
    free(q);
}

static const char *file_of(const struct quarantine_folder *q, const char *volume, struct arena *a)
{
    return fsx_join(q->dir, arena_printf(a, "%s" QUARANTINE_SUFFIX, volume), a);
}

/* The volume that a file of this name is about, or NULL. */
static const char *volume_of(const char *file, struct arena *a)
{
    size_t n = strlen(file), tail = strlen(QUARANTINE_SUFFIX);

    if (n <= tail || strcmp(file + n - tail, QUARANTINE_SUFFIX) != 0)
        return NULL;
    const char *volume = arena_strndup(a, file, n - tail);

    return quarantine_name_valid(volume) ? volume : NULL;
}

static int read_record(const struct quarantine_folder *q, const char *volume, struct arena *a,
                       struct quarantine_record *ret, struct err *e)
{
    const char *text;
    size_t n;

    if (fsx_read(file_of(q, volume, a), LIMIT_QUARANTINE_BYTES, a, &text, &n, NULL, e) < 0)
        return -1;
    return quarantine_parse(volume, text, n, a, ret, e);
}

static int compare_volumes(const void *va, const void *vb)
{
    const struct quarantine_record *a = va, *b = vb;

    return strcmp(a->volume, b->volume);
}

/* -1: the folder cannot be read. */
static int read_folder(const struct quarantine_folder *q, struct arena *a,
                       struct quarantine_record **ret, size_t *ret_n)
{
    DIR *d = opendir(q->dir);
    size_t cap = 0;

    if (!d)
        return errno == ENOENT ? 0 : -1;
    for (struct dirent *x = readdir(d); x; x = readdir(d)) {
        const char *volume = volume_of(x->d_name, a);
        struct quarantine_record r = {.volume = volume};
        struct err e = {0};

        if (!volume)
            continue;
        if (read_record(q, volume, a, &r, &e) < 0) {
            if (e.kind == ERR_MISSING) /* gone meanwhile */
                continue;
            r = (struct quarantine_record){.volume = volume, .problem = arena_strdup(a, e.msg)};
        }
        *ret = arena_grow(a, *ret, *ret_n, &cap, sizeof(**ret));
        (*ret)[(*ret_n)++] = r;
    }
    (void)closedir(d);
    if (*ret_n > 1)
        qsort(*ret, *ret_n, sizeof(**ret), compare_volumes);
    return 0;
}

static void print_all(const struct quarantine_record *v, size_t n, struct str *out)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].problem)
            str_addf(out, "%s: %s\n", v[i].volume, v[i].problem);
        else
            quarantine_print(&v[i], out);
}

void quarantine_folder_look(struct quarantine_folder *q)
{
    CLEANUP(str_release) struct str before = STR_INIT, after = STR_INIT;
    struct arena *a = arena_new();
    struct quarantine_record *v = NULL;
    size_t n = 0;

    if (read_folder(q, a, &v, &n) < 0) {
        arena_free(a);
        return;
    }
    print_all(q->v, q->n, &before);
    print_all(v, n, &after);
    arena_free(q->arena);
    q->arena = a;
    q->v = v;
    q->n = n;
    q->news |= strcmp(str_text(&before), str_text(&after)) != 0;
}

bool quarantine_folder_news(struct quarantine_folder *q)
{
    quarantine_folder_look(q);
    bool news = q->news;

    q->news = false;
    return news;
}

bool quarantine_folder_empty(const struct quarantine_folder *q)
{
    return q->n == 0;
}

void quarantine_folder_observed(const struct quarantine_folder *q, struct arena *a,
                                struct quarantine_record **ret, size_t *ret_n)
{
    struct quarantine_record *v = ARENA_ARRAY(a, q->n, struct quarantine_record);

    for (size_t i = 0; i < q->n; i++) {
        v[i] = q->v[i];
        v[i].volume = arena_strdup(a, v[i].volume);
        v[i].owner = arena_strdup(a, v[i].owner);
        v[i].app = arena_strdup(a, v[i].app);
        v[i].why = arena_strdup(a, v[i].why);
        v[i].by = arena_strdup(a, v[i].by);
        v[i].problem = arena_strdup(a, v[i].problem);
    }
    *ret = v;
    *ret_n = q->n;
}

int quarantine_folder_put(struct quarantine_folder *q, const char *volume, const char *text,
                          struct err *e)
{
    struct arena *a = arena_new();
    int rc = quarantine_name_valid(volume)
                 ? fsx_mkdirs(q->dir, 0700, e)
                 : err_set(e, ERR_USER, "\"%s\" is not the name of a volume", volume);

    if (rc == 0)
        rc = fsx_replace(file_of(q, volume, a), text, strlen(text), 0600, e);
    arena_free(a);
    quarantine_folder_look(q);
    return rc;
}

int quarantine_folder_drop(struct quarantine_folder *q, const char *volume, struct err *e)
{
    struct arena *a = arena_new();
    struct err why = {0};
    int rc = 0;

    if (quarantine_name_valid(volume) && fsx_remove(file_of(q, volume, a), &why) < 0 &&
        why.kind != ERR_MISSING) {
        *e = why;
        rc = -1;
    }
    arena_free(a);
    quarantine_folder_look(q);
    return rc;
}

int quarantine_folder_check(const struct quarantine_folder *q, const char *volume, const char *text,
                            struct err *e)
{
    CLEANUP(str_release) struct str now = STR_INIT;
    struct arena *a = arena_new();
    struct quarantine_record r;
    int rc = read_record(q, volume, a, &r, e);

    if (rc == 0)
        quarantine_print(&r, &now);
    arena_free(a);
    if (rc < 0)
        return e->kind == ERR_MISSING
                   ? err_set(e, ERR_STALE, "volume %s is not in quarantine any more", volume)
                   : -1;
    return strcmp(str_text(&now), text) == 0
               ? 0
               : err_set(e, ERR_STALE, "the record of volume %s says something else by now",
                         volume);
}
