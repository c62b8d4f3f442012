/* The tar of a context, pulled piece by piece: what a builder is sent.
 *
 * Comes in: sorted entries and their source. Goes out: bytes of a tar that are the same for the same content: mtime 0, owner 0, modes 0644 and
 * 0755. Content goes from its source into the caller's buffer without a stop. What was put in has its place in the order, and
 * replaces the entry of its path.
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block". */
#include "drivers/context_parts.h"
#include "spec/base/arena.h"

#define BLOCK 512
#define NAME_BYTES 100
#define SIZE_MOST 077777777777 /* eleven octal digits */

struct row {
    struct context_entry e;
    const struct item *x;  /* content from the source */
    const struct put *put; /* or from here */
};

struct tar {
    struct arena *arena; /* names of folders that only a put has */
    struct row *rows;    /* heap */
    size_t n, next;
    struct str head;     /* headers, padding, the end: bytes that no source has */
    size_t taken;        /* of head */
    const struct row *x; /* its content is under way */
    int64_t left;        /* of it */
    bool open;           /* the source is */
    bool over;
    struct err failed;
};

/* ---- what goes in ---- */

static bool lies_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    return strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* A place for a file: a clean path whose parents are directories or nothing. */
static bool is_place(const struct context *c, const char *path)
{
    CLEANUP(str_release) struct str parent = STR_INIT;
    const struct item *x = context_find(c, path);
    const char *why;

    if (!context_name_valid(path, false, &c->where.limits, &why) || (x && x->e.type == 'd'))
        return false;
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        str_clear(&parent);
        str_addn(&parent, path, (size_t)(slash - path));
        x = context_find(c, str_text(&parent));
        if (x && x->e.type != 'd')
            return false;
    }
    for (size_t i = 0; i < c->n_puts; i++)
        if (lies_below(path, c->puts[i].path) || lies_below(c->puts[i].path, path))
            return false;
    return true;
}

int context_tar_put(struct context *c, const char *path, const char *text, size_t n)
{
    struct put *p = NULL;

    if (!is_place(c, path))
        return -1;
    for (size_t i = 0; i < c->n_puts; i++)
        if (strcmp(c->puts[i].path, path) == 0)
            p = &c->puts[i];
    if (!p) {
        c->puts = xrealloc(c->puts, (c->n_puts + 1) * sizeof(*c->puts));
        p = &c->puts[c->n_puts++];
        *p = (struct put){.path = xstrdup(path)};
    }
    free(p->text);
    p->text = xcalloc(1, n + 1);
    if (n > 0)
        memcpy(p->text, text, n);
    p->n = n;
    return 0;
}

static int by_row(const void *va, const void *vb)
{
    const struct row *a = va, *b = vb;
    int order = context_name_order(a->e.path, b->e.path);

    /* what was put in goes first, so that it is the one that stays */
    return order ? order : (b->put ? 1 : 0) - (a->put ? 1 : 0);
}

static void add_put(struct tar *t, const struct put *p)
{
    for (const char *slash = strchr(p->path, '/'); slash; slash = strchr(slash + 1, '/'))
        t->rows[t->n++].e = (struct context_entry){
            .path = arena_strndup(t->arena, p->path, (size_t)(slash - p->path)), .type = 'd'};
    t->rows[t->n++] =
        (struct row){.e = {.path = p->path, .type = 'f', .bytes = (int64_t)p->n}, .put = p};
}

void context_tar_withhold(struct context *c, bool withhold)
{
    c->withhold = withhold;
}

static bool is_withheld(const struct context *c, const struct item *x)
{
    return c->withhold && x->ignored && strcmp(x->e.path, c->where.dockerfile) != 0;
}

static void make_rows(const struct context *c, struct tar *t)
{
    size_t most = c->n, kept = 0;

    for (size_t i = 0; i < c->n_puts; i++)
        most += strlen(c->puts[i].path); /* more than it has folders */
    t->rows = xcalloc(most + 1, sizeof(*t->rows));
    for (size_t i = 0; i < c->n; i++)
        if (!is_withheld(c, &c->items[i]))
            t->rows[t->n++] = (struct row){.e = c->items[i].e, .x = &c->items[i]};
    for (size_t i = 0; i < c->n_puts; i++)
        add_put(t, &c->puts[i]);
    qsort(t->rows, t->n, sizeof(*t->rows), by_row);
    for (size_t i = 0; i < t->n; i++)
        if (kept == 0 || strcmp(t->rows[kept - 1].e.path, t->rows[i].e.path) != 0)
            t->rows[kept++] = t->rows[i];
    t->n = kept;
}

int context_tar_rewind(struct context *c, struct err *e)
{
    struct tar *t;

    (void)e;
    context_tar_free(c);
    c->tar = t = xcalloc(1, sizeof(*t));
    t->arena = arena_new();
    make_rows(c, t);
    return 0;
}

void context_tar_free(struct context *c)
{
    struct tar *t = TAKE(c->tar);

    if (!t)
        return;
    if (t->open)
        c->source->close(c);
    str_release(&t->head);
    arena_free(t->arena);
    free(t->rows);
    free(t);
}

bool context_tar_busy(const struct context *c)
{
    return c->tar && c->tar->open;
}

/* ---- headers ---- */

static void octal(char *field, size_t n, int64_t value)
{
    field[--n] = '\0';
    while (n > 0) {
        field[--n] = (char)('0' + (value & 7));
        value >>= 3;
    }
}

/* What does not fit is in the pax header before it. */
static void text_field(char *field, const char *text)
{
    size_t n = strlen(text);

    memcpy(field, text, n < NAME_BYTES ? n : NAME_BYTES);
}

static void add_ustar(struct str *out, const char *name, char flag, int mode, int64_t bytes,
                      const char *target)
{
    char h[BLOCK] = {0};
    int sum = 0;

    text_field(h, name);
    octal(h + 100, 8, mode);
    octal(h + 108, 8, 0); /* owner */
    octal(h + 116, 8, 0); /* group */
    octal(h + 124, 12, bytes);
    octal(h + 136, 12, 0); /* time */
    memset(h + 148, ' ', 8);
    h[156] = flag;
    text_field(h + 157, target);
    memcpy(h + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += (unsigned char)h[i];
    octal(h + 148, 7, sum);
    str_addn(out, h, BLOCK);
}

static void add_zeros(struct str *out, size_t n)
{
    static const char zeros[BLOCK];

    for (; n > BLOCK; n -= BLOCK)
        str_addn(out, zeros, BLOCK);
    str_addn(out, zeros, n);
}

static size_t padding(int64_t bytes)
{
    return (size_t)(-bytes & (BLOCK - 1));
}

/* "LENGTH KEY=VALUE\n", where the length counts its own digits. */
static void add_record(struct str *out, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, n = rest, before;

    do {
        before = n;
        n = rest + (size_t)snprintf(NULL, 0, "%zu", n);
    } while (n != before);
    str_addf(out, "%zu %s=%s\n", n, key, value);
}

/* What has no room in the header proper. */
static void add_pax(struct str *out, const char *name, int64_t bytes, const char *target)
{
    CLEANUP(str_release) struct str records = STR_INIT, number = STR_INIT;

    if (strlen(name) > NAME_BYTES)
        add_record(&records, "path", name);
    if (strlen(target) > NAME_BYTES)
        add_record(&records, "linkpath", target);
    if (bytes > SIZE_MOST) {
        str_addf(&number, "%lld", (long long)bytes);
        add_record(&records, "size", str_text(&number));
    }
    if (records.len == 0)
        return;
    add_ustar(out, "PaxHeader", 'x', 0644, (int64_t)records.len, "");
    str_addn(out, records.buf, records.len);
    add_zeros(out, padding((int64_t)records.len));
}

static void add_header(struct str *out, const struct context_entry *x)
{
    CLEANUP(str_release) struct str name = STR_INIT;
    const char *target = x->type == 'l' ? x->target : "";
    int64_t bytes = x->type == 'f' ? x->bytes : 0;
    int mode = x->type == 'l' ? 0777 : x->type == 'd' || x->executable ? 0755 : 0644;

    str_addf(&name, "%s%s", x->path, x->type == 'd' ? "/" : "");
    add_pax(out, str_text(&name), bytes, target);
    add_ustar(out, str_text(&name),
              x->type == 'd'   ? '5'
              : x->type == 'l' ? '2'
                               : '0',
              mode, bytes > SIZE_MOST ? 0 : bytes, target);
}

/* ---- the stream ---- */

/* Puts what comes next into t->head, or makes ready to read it. */
static int next_row(struct context *c, struct err *e)
{
    struct tar *t = c->tar;
    const struct row *r;

    if (t->next == t->n) {
        add_zeros(&t->head, 2 * BLOCK);
        t->over = true;
        return 0;
    }
    r = &t->rows[t->next++];
    add_header(&t->head, &r->e);
    if (r->put) {
        str_addn(&t->head, r->put->text, r->put->n);
        add_zeros(&t->head, padding(r->e.bytes));
    } else if (r->e.type == 'f') {
        if (c->source->open(c, r->x, e) < 0)
            return -1;
        t->open = true;
        t->x = r;
        t->left = r->e.bytes;
    }
    return 0;
}

/* The end of a file is read too: only there its source says whether all of it was right. */
static long read_content(struct context *c, char *buf, size_t n, struct err *e)
{
    struct tar *t = c->tar;
    char spare;
    long got;

    if (t->left > 0)
        got = c->source->read(c, buf, (int64_t)n < t->left ? n : (size_t)t->left, e);
    else
        got = c->source->read(c, &spare, 1, e);
    if (got < 0)
        return -1;
    if ((got == 0) != (t->left == 0))
        return err_set(e, ERR_BUG, "%s: \"%.200s\" has another size than announced", c->where.path,
                       t->x->e.path);
    t->left -= got;
    if (got == 0) {
        c->source->close(c);
        t->open = false;
        add_zeros(&t->head, padding(t->x->e.bytes));
    }
    return got;
}

static size_t take_head(struct tar *t, char *buf, size_t n)
{
    size_t have = t->head.len - t->taken, give = have < n ? have : n;

    memcpy(buf, str_text(&t->head) + t->taken, give);
    t->taken += give;
    if (t->taken == t->head.len) {
        str_clear(&t->head);
        t->taken = 0;
    }
    return give;
}

static long fill(struct context *c, char *buf, size_t n, struct err *e)
{
    struct tar *t = c->tar;
    size_t have = 0;

    while (have < n) {
        long got = 0;

        if (t->head.len > 0)
            have += take_head(t, buf + have, n - have);
        else if (t->open)
            got = read_content(c, buf + have, n - have, e);
        else if (t->over)
            break;
        else
            got = next_row(c, e);
        if (got < 0)
            return -1;
        have += (size_t)got;
    }
    return (long)have;
}

long context_tar_read(struct context *c, void *buf, size_t n, struct err *e)
{
    struct err why = {0};
    long got;

    if (!c->tar)
        (void)context_tar_rewind(c, e);
    if (c->tar->failed.kind)
        return err_set(e, c->tar->failed.kind, "%s", c->tar->failed.msg);
    got = fill(c, buf, n, &why);
    if (got < 0) {
        c->tar->failed = why;
        return err_set(e, why.kind, "%s", why.msg);
    }
    return got;
}
