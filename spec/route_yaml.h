/* route_yaml.h: the few shapes of YAML that route files are made of. Every text is quoted, and written so that neither YAML nor the Go template that
 * Traefik makes of a file first can mean anything by it. */
#ifndef EK_ROUTE_YAML_H
#define EK_ROUTE_YAML_H

#include <stddef.h>
#include <stdint.h>

struct str;
struct strv;

/* "text" in double quotes, in ASCII, without a brace. */
void route_yaml_quote(const char *text, struct str *out);

/* One line each, indented by depth times two. */
void route_yaml_open(struct str *out, int depth, const char *key);   /* key: */
void route_yaml_object(struct str *out, int depth, const char *key); /* "key": , a name */
void route_yaml_text(struct str *out, int depth, const char *key, const char *value);
void route_yaml_plain(struct str *out, int depth, const char *key,
                      const char *value); /* a word or number of ours, unquoted */
void route_yaml_int(struct str *out, int depth, const char *key, int64_t value);
void route_yaml_list(struct str *out, int depth, const char *key, const struct strv *values);
void route_yaml_word(struct str *out, int depth, const char *key,
                     const char *word); /* a list of one */
/* Nanoseconds as a duration of Go's. */
void route_yaml_duration(struct str *out, int depth, const char *key, int64_t ns);

#endif
