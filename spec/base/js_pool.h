/* js_pool.h: memory for JSON values that live only while one text is read or written.
 *
 * Between begin and end, what jansson allocates in this thread comes from blocks that are emptied at the end; freeing one value there costs nothing. Values made in between must not outlive
 * the end (AddressSanitizer sees it if one is used), and values from before must not grow in between. Other threads are not concerned. An inner scope is part of the outer one. A thread keeps 256 KiB for its next scope, until it ends.
 *
 *     CLEANUP(js_pool_end) struct js_pool pool = js_pool_begin();
 *     json_t *v = js_parse(text, n, e);    -- needs no json_decref: it goes with the pool
 *
 * A value that is freed nevertheless (json_auto_t) has to be declared after the pool, so that it is released before it. */
#ifndef EK_JS_POOL_H
#define EK_JS_POOL_H

struct js_pool {
    char unused;
};

struct js_pool js_pool_begin(void);
void js_pool_end(struct js_pool *p);

#endif
