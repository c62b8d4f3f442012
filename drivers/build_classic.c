/* build_classic.c: the classic builder's stream as steps.
 *
 * In: pieces of text in which the builder's own words and the output of what it runs are mixed. Out: the same steps and lines as BuildKit's
 * trace gives, without times, which it does not tell. A process can print the builder's words; so a step is believed only where the next
 * number of as many follows, and nothing but the look of the log hangs on the rest. */
#include "drivers/build_classic.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static int step_of(struct build_classic *c, struct build_steps *s)
{
    return c->step > 0 ? build_steps_find(s, (uint64_t)c->step) : -1;
}

void build_classic_end(struct build_classic *c, struct build_steps *s, const char *error)
{
    build_steps_end(s, step_of(c, s), 0, c->cached, error, error ? strlen(error) : 0);
    c->cached = false;
}

/* "Step 2/6 : RUN npm ci" */
static bool take_step(struct build_classic *c, struct build_steps *s, const char *text)
{
    CLEANUP(str_release) struct str name = STR_INIT;
    char *end;

    if (!begins(text, "Step "))
        return false;
    long number = strtol(text + 5, &end, 10);

    if (*end != '/' || number != c->step + 1)
        return false;
    long of = strtol(end + 1, &end, 10);

    if (!begins(end, " : ") || of < number || of > BUILD_STEPS || (c->of && of != c->of))
        return false;
    build_classic_end(c, s, NULL);
    c->step = (int)number;
    c->of = (int)of;
    str_addf(&name, "[%ld/%ld] %s", number, of, end + 3);
    int step = step_of(c, s);

    build_steps_name(s, step, str_text(&name), name.len);
    build_steps_begin(s, step, 0);
    return true;
}

static bool is_builders_own(const char *text)
{
    return begins(text, " ---> ") || begins(text, "Removing intermediate container ") ||
           begins(text, "Successfully built ") || begins(text, "Successfully tagged ");
}

void build_classic_stream(struct build_classic *c, struct build_steps *s, const char *text)
{
    if (take_step(c, s, text) || strcmp(text, "\n") == 0)
        return;
    int step = step_of(c, s);

    if (is_builders_own(text)) {
        /* What a process said last without a line end ends here. */
        build_steps_end_line(s, step);
        if (begins(text, " ---> Using cache"))
            c->cached = true;
        return;
    }
    build_steps_output(s, step, 0, text, strlen(text));
}
