/* The last events, as bytes.
 *
 * Comes in: events. Goes out: each as a chunk of a reply (RFC 9112, 7.1) that holds one Server-Sent Event (HTML Standard, 9.2), so that it is made once for however many clients. Refuses to grow:
 * the oldest ones go when there are too many, or too many bytes. */
#include "agent/stream_ring.h"

#include "agent/stream.h"
#include "spec/base/arena.h"

void stream_ring_init(struct stream_ring *r, uint64_t seed)
{
    *r = (struct stream_ring){.first = 1, .next = 1};
    (void)snprintf(r->epoch, sizeof(r->epoch), "%012llx",
                   (unsigned long long)(seed & UINT64_C(0xffffffffffff)));
}

static void drop_oldest(struct stream_ring *r)
{
    struct stream_item **at = &r->items[r->first++ % STREAM_RING_EVENTS];

    r->bytes -= (*at)->bytes;
    free(*at);
    *at = NULL;
}

void stream_ring_release(struct stream_ring *r)
{
    while (r->first < r->next)
        drop_oldest(r);
}

/* A line break would end the field (9.2.6); JSON on one line has none. */
static void add_frame(const struct stream_ring *r, const struct stream_event *e, struct str *out)
{
    CLEANUP(str_release) struct str body = STR_INIT;

    str_addf(&body, "id: %s-%llu\nevent: %s\ndata: %s\n\n", r->epoch, (unsigned long long)r->next,
             e->type, e->json);
    str_addf(out, "%zx\r\n", body.len);
    str_addn(out, body.buf, body.len);
    str_add(out, "\r\n");
}

/* One block: the item, its frame, app and text behind it. */
static struct stream_item *make(const struct stream_event *e, const struct str *frame)
{
    size_t app_n = e->app ? strlen(e->app) + 1 : 0, text_n = e->text ? strlen(e->text) + 1 : 0;
    size_t n = sizeof(struct stream_item) + frame->len + 1 + app_n + text_n;
    struct stream_item *x = xcalloc(1, n);
    char *at = (char *)(x + 1);

    *x = (struct stream_item){.need = e->need, .bytes = n, .frame_n = frame->len};
    if (frame->len > 0) {
        x->frame = memcpy(at, frame->buf, frame->len);
        x->head_n = (size_t)(strchr(x->frame, '\n') + 1 - x->frame);
    }
    at += frame->len + 1;
    if (e->app)
        x->app = memcpy(at, e->app, app_n);
    if (e->text)
        x->text = memcpy(at + app_n, e->text, text_n);
    return x;
}

struct stream_item *stream_ring_add(struct stream_ring *r, const struct stream_event *e)
{
    CLEANUP(str_release) struct str frame = STR_INIT;

    if (!e->type)
        return make(e, &frame);
    add_frame(r, e, &frame);
    struct stream_item *x = make(e, &frame);

    if (r->next - r->first == STREAM_RING_EVENTS)
        drop_oldest(r);
    x->number = r->next++;
    r->items[x->number % STREAM_RING_EVENTS] = x;
    r->bytes += x->bytes;
    while (r->bytes > STREAM_RING_BYTES && r->first + 1 < r->next)
        drop_oldest(r);
    return x;
}

void stream_ring_gap(struct stream_ring *r)
{
    stream_ring_release(r);
    r->first = ++r->next;
}

const struct stream_item *stream_ring_at(const struct stream_ring *r, uint64_t number)
{
    return number >= r->first && number < r->next ? r->items[number % STREAM_RING_EVENTS] : NULL;
}

bool stream_ring_from(const struct stream_ring *r, const char *id, uint64_t *ret_number)
{
    size_t n = strlen(r->epoch);
    int64_t number;

    if (strncmp(id, r->epoch, n) != 0 || id[n] != '-' ||
        parse_int64(id + n + 1, 0, INT64_MAX, &number) < 0)
        return false;
    if ((uint64_t)number + 1 < r->first || (uint64_t)number >= r->next)
        return false;
    *ret_number = (uint64_t)number;
    return true;
}
