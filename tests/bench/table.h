/* table.h: figures, their targets, and whether these are met; as text for people and as JSON. */
#ifndef EK_BENCH_TABLE_H
#define EK_BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct table;

struct table *table_new(void);
void table_free(struct table *t);

/* A figure against the same work done directly: met when ours <= factor * raw + extra. */
void table_ratio(struct table *t, const char *name, const char *unit, double ours, double raw,
                 double factor, double extra);
/* A figure that has a bound of its own. */
void table_bound(struct table *t, const char *name, const char *unit, double ours, double most);
/* A figure beside another, without a target. */
void table_compare(struct table *t, const char *name, const char *unit, double ours, double raw);
/* A figure worth knowing that has no target. */
void table_note(struct table *t, const char *name, const char *unit, double ours);

/* What could not be measured here, and why. It counts neither as met nor as missed. */
void table_skip(struct table *t, const char *name, const char *reason);

/* Prints one line for each figure; true if all targets are met. */
bool table_print(const struct table *t);
void table_write_json(const struct table *t, const char *path);

/* Middle value; sorts the samples. */
double median(double *samples, size_t n);

#endif
