/* gate.h: what the two parts of the door's measurements share: an agent with many apps at 127.0.0.1:5001, and what opens it. */
#ifndef EK_BENCH_GATE_H
#define EK_BENCH_GATE_H

#include <stddef.h>
#include <sys/types.h>

struct bench;
struct str;

enum { GATE_PORT = 5001 };
#define GATE_PASSWORD "correct-horse-battery"

struct gate {
    struct bench *b;
    const char *root, *state, *token; /* of an admin */
    pid_t agent;
};

/* The head of a request with the token; more headers and the empty line are the caller's. */
void gate_head(const struct gate *g, const char *method, const char *path, struct str *out);
double gate_anon_mb(const struct gate *g);

/* Uploads, logins, and both at once. */
void measure_gate_uploads(struct gate *g);
void measure_gate_logins(struct gate *g);

#endif
