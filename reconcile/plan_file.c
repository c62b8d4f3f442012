/* plan_file.c: configs and secrets whose files in the agent's state somebody changed.
 *
 * In: the files that the app's containers mount, and those that are not as they were put there. Out: a difference for each, without a word of
 * what stands in it; a write that puts it right where `drift:` says so, or where a container is about to be made with it; and a restart of
 * what began after the change, for that has read the wrong text. What began before has what it should: it is not disturbed.
 * It does not know what is in a file, and reads none. */
#include "reconcile/plan_file.h"

#include <string.h>

#include "reconcile/plan_judge.h"
#include "reconcile/plan_service.h"
#include "spec/base/arena.h"

struct file_work {
    const struct want_file *want;
    const struct obs_file *is;
    const char *cause;
    struct change change;
    size_t difference; /* its index */
    bool left;
};

static const struct mount *mounted(const struct service *s, const char *path)
{
    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].file && strcmp(s->mounts[i].source, path) == 0)
            return &s->mounts[i];
    return NULL;
}

/* Several services may mount one file, each in a place of its own: it is called after the first. */
static const char *field_of(struct app_work *p, const struct want_file *f)
{
    for (size_t i = 0; i < p->want->n_services; i++) {
        const struct mount *m = mounted(p->want->services[i].spec, f->path);

        if (m)
            return arena_printf(p->w->arena, "%s.%s", f->spec->key, m->target);
    }
    return f->spec->key;
}

static struct change change_of(struct app_work *p, const struct file_work *f)
{
    const char *field = field_of(p, f->want);

    switch (f->is->trouble) {
    case FILE_CHANGED: return (struct change){field, "unchanged", "changed"};
    case FILE_LINKED: return (struct change){field, "unchanged", "changed, and linked elsewhere"};
    case FILE_MISSING: return (struct change){field, "there", NULL};
    case FILE_ACCESS: return (struct change){field, "its owner and mode", "another owner or mode"};
    case FILE_KIND: break;
    }
    return (struct change){field, "a file", "something else"};
}

static const char *cause_of(struct app_work *p, const struct obs_file *is)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    str_add(&s, is->trouble == FILE_MISSING ? "removed by hand" : "changed by hand");
    if (is->since_ms) {
        str_add(&s, " at ");
        str_add_time(&s, is->since_ms);
        str_add(&s, " (the file system does not tell by whom)");
    }
    return arena_strdup(p->w->arena, str_text(&s));
}

static void note(struct app_work *p, struct file_work *f)
{
    f->change = change_of(p, f);
    bool ignored = judge_ignores(p, f->change.field), reported = !ignored && judge_reports(p);

    f->cause = cause_of(p, f->is);
    f->left = ignored || reported;
    f->difference = p->out->n_differences;
    diff_add(p, DRIFT_FOUND, arena_printf(p->w->arena, "file %s", f->want->path), f->change,
             f->cause);
    struct difference *d = &p->out->differences[f->difference];

    d->when_ms = f->is->since_ms;
    d->left = ignored ? LEFT_IGNORED : reported ? LEFT_REPORT : LEFT_NOT;
    p->reported_only |= reported;
}

/* What a container has of the file: since its start the file that was there then, whatever has its name now. */
static bool has_read(const struct file_work *f, const struct replica *r)
{
    if (f->is->trouble == FILE_LINKED)
        return true; /* the one it has cannot be put right, another takes its place */
    return (f->is->trouble == FILE_CHANGED || f->is->trouble == FILE_KIND) && f->is->since_ms > 0 &&
           r->keeper->started_ms > f->is->since_ms;
}

static void judge_reader(struct app_work *p, const struct file_work *f, struct replica *r)
{
    if (!r->keeper || r->make || r->restart || r->keeper->state != CS_RUNNING ||
        !mounted(r->service->spec, f->want->path) || !has_read(f, r))
        return;
    r->restart = judge_differ(
        p, r, DRIFT_FOUND, (struct change){"state", "restarted", "running"},
        arena_printf(p->w->arena, "began with %s, %s", field_of(p, f->want), f->cause));
}

void file_judge(struct app_work *p)
{
    if (p->w->seen->n_files == 0 || p->want->n_placed == 0)
        return;
    p->files = ARENA_ARRAY(p->w->arena, p->want->n_placed, struct file_work);
    for (size_t i = 0; i < p->want->n_placed; i++) {
        const struct want_file *want = &p->want->placed[i];
        const struct obs_file *is = observed_file(p->w->seen, want->path);

        if (!is)
            continue;
        struct file_work *f = &p->files[p->n_files++];

        *f = (struct file_work){.want = want, .is = is};
        note(p, f);
        for (size_t k = 0; !f->left && k < p->n_replicas; k++)
            judge_reader(p, f, &p->replicas[k]);
    }
}

/* What is made or started by the file gets what the file says. */
static bool begins(const struct app_work *p, const struct file_work *f)
{
    for (size_t i = 0; i < p->n_replicas; i++) {
        const struct replica *r = &p->replicas[i];

        if (!r->blocked && (r->make || r->start || r->restart) &&
            mounted(r->service->spec, f->want->path))
            return true;
    }
    return false;
}

void file_plan(struct app_work *p)
{
    for (size_t i = 0; i < p->n_files; i++) {
        struct file_work *f = &p->files[i];

        if (f->left && !begins(p, f))
            continue;
        p->out->differences[f->difference].left = LEFT_NOT;
        uint32_t at = act_add(p, ACT_FILE_WRITE,
                              arena_printf(p->w->arena, "file %s", f->want->path), f->cause);

        act_at(p, at)->op.object = f->want->path;
        act_at(p, at)->op.file = f->want;
        act_at(p, at)->changes = &f->change;
        act_at(p, at)->n_changes = 1;
        for (size_t k = 0; k < p->n_replicas; k++)
            if (mounted(p->replicas[k].service->spec, f->want->path))
                service_prepared(p, &p->replicas[k], at);
    }
}
