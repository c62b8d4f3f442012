/* One file to an agent.
 *
 * Comes in: a file and an address. Goes out: its bytes by PUT, or in a form with what is said of it, and line by line what the agent answers: progress, and as the last line how it ended. Refuses to take an answer without that line for
 * a success, and to send the token to wherever the address might redirect. */
#include "agent/deploy_send.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/stat.h>

#include "spec/base/arena.h"
#include "spec/base/js.h"
#include "spec/base/str.h"

enum { CONNECT_S = 15, ANSWER_MAX = 64 << 10 };

struct sending {
    const struct deploy_send *d;
    CURL *curl;
    struct str line;   /* that is not ended yet */
    struct str answer; /* of a refusal */
    struct str last;   /* line that ended */
};

/* ---- what comes back ---- */

static void end_line(struct sending *s)
{
    CLEANUP(str_release) struct str shown = STR_INIT;

    if (strcmp(str_text(&s->line), "...") != 0) {
        str_add_escaped(&shown, str_text(&s->line));
        str_clear(&s->last);
        str_add(&s->last, str_text(&shown));
        s->d->said(s->d->ctx, str_text(&shown));
    }
    str_clear(&s->line);
}

static size_t take(char *p, size_t size, size_t count, void *ctx)
{
    struct sending *s = ctx;
    size_t n = size * count;
    long status = 0;

    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status >= 300) {
        if (s->answer.len + n <= ANSWER_MAX)
            str_addn(&s->answer, p, n);
        return n;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n')
            end_line(s);
        else if (s->line.len < ANSWER_MAX)
            str_addc(&s->line, p[i]);
    }
    return n;
}

static int tell_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t all,
                         curl_off_t up)
{
    const struct sending *s = ctx;

    (void)down_all;
    if (s->d->sent && all > 0 && down == 0)
        s->d->sent(s->d->ctx, up, all);
    return 0;
}

/* ---- the request ---- */

static bool to_loopback(const char *url)
{
    const char *host = strstr(url, "://");

    return host && (strncmp(host + 3, "127.", 4) == 0 || strncmp(host + 3, "localhost", 9) == 0);
}

static struct curl_slist *headers_of(const struct deploy_send *d)
{
    CLEANUP(str_release) struct str line = STR_INIT;

    str_addf(&line, "Authorization: Bearer %s", d->token);
    struct curl_slist *l = curl_slist_append(NULL, str_text(&line));

    explicit_bzero(line.buf, line.len);
    return !l || d->fields.n > 0 ? l
                                 : curl_slist_append(l, "Content-Type: application/octet-stream");
}

/* The values are in no URL, which proxies write down. NULL: there are none, or no memory. */
static curl_mime *form_of(struct sending *s)
{
    const struct strv *fields = &s->d->fields;
    curl_mime *form = fields->n > 0 ? curl_mime_init(s->curl) : NULL;
    curl_mimepart *part = form ? curl_mime_addpart(form) : NULL;

    if (!part)
        return NULL;
    for (size_t i = 0; i + 1 < fields->n; i += 2) {
        (void)curl_mime_name(part, fields->v[i]);
        (void)curl_mime_data(part, fields->v[i + 1], CURL_ZERO_TERMINATED);
        part = curl_mime_addpart(form);
    }
    (void)curl_mime_name(part, "bundle");
    (void)curl_mime_filedata(part, s->d->path);
    (void)curl_mime_type(part, "application/octet-stream");
    return form;
}

static void set_up(struct sending *s, FILE *f, int64_t bytes, curl_mime *form,
                   const struct curl_slist *headers, char trouble[CURL_ERROR_SIZE])
{
    CURL *c = s->curl;

    (void)curl_easy_setopt(c, CURLOPT_URL, s->d->url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    if (form) {
        (void)curl_easy_setopt(c, CURLOPT_MIMEPOST, form);
    } else {
        (void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(c, CURLOPT_READDATA, f);
        (void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)bytes);
    }
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, tell_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, trouble);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    (void)curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    if (to_loopback(s->d->url))
        (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
}

/* Why the agent did not take it (RFC 9457). */
static int refused(const struct sending *s, long status, struct err *e)
{
    struct err none = {0};
    json_auto_t *v = js_parse(str_text(&s->answer), s->answer.len, &none);
    const char *detail = js_str(v, "detail", NULL), *next = js_str(v, "next", NULL);
    enum err_kind kind = status == 401 || status == 403 ? ERR_DENIED
                         : status == 503                ? ERR_RETRY
                                                        : ERR_USER;

    if (!detail)
        return err_set(e, kind, "the server answers %ld, and not as an agent does: is --to right?",
                       status);
    return err_set(e, kind, "%s%s%s", detail, next ? "; " : "", next ? next : "");
}

static int judge(const struct sending *s, CURLcode rc, const char *trouble, struct err *e)
{
    const char *last = str_text(&s->last);
    long status = 0;

    (void)curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300)
        return refused(s, status, e);
    if (strncmp(last, "failed: ", 8) == 0)
        return err_set(e, ERR_USER, "%s", last + 8);
    if (rc != CURLE_OK)
        return err_set(e, ERR_RETRY, "%s%s", *trouble ? trouble : curl_easy_strerror(rc),
                       status > 0 ? "; what was sent may be in place: GET /api/v1/apps tells" : "");
    if (strncmp(last, "ok: ", 4) != 0)
        return err_set(e, ERR_RETRY, "the agent did not say how it ended: GET /api/v1/apps tells");
    return 0;
}

int deploy_send(const struct deploy_send *d, struct err *e)
{
    struct sending s = {.d = d};
    char trouble[CURL_ERROR_SIZE] = "";
    struct stat st;
    FILE *f = fopen(d->path, "re");
    struct curl_slist *headers = headers_of(d);
    int rc;

    if (!f || fstat(fileno(f), &st) != 0) {
        rc = err_errno(e, errno, "%s", d->path);
    } else if (!S_ISREG(st.st_mode)) {
        rc = err_set(e, ERR_USER, "%s is no file: pack it first (zip -r app.zip .)", d->path);
    } else if (!headers || !(s.curl = curl_easy_init())) {
        rc = err_set(e, ERR_BUG, "no HTTP client");
    } else {
        curl_mime *form = form_of(&s);
        CURLcode code = CURLE_OUT_OF_MEMORY; /* without the form it would say something else */

        set_up(&s, f, st.st_size, form, headers, trouble);
        if (form || d->fields.n == 0)
            code = curl_easy_perform(s.curl);
        rc = judge(&s, code, trouble, e);
        curl_mime_free(form);
        curl_easy_cleanup(s.curl);
    }
    curl_slist_free_all(headers);
    if (f)
        (void)fclose(f);
    str_release(&s.line);
    str_release(&s.answer);
    str_release(&s.last);
    return rc;
}
