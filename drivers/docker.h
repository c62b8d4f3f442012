/* docker.h: the driver for a plain Docker Engine. */
#ifndef EK_DOCKER_H
#define EK_DOCKER_H

#include "drivers/driver.h"

struct http;

/* Not yet connected: the first call of any kind negotiates the API version (GET /_ping; the lesser of what the engine offers
 * and 1.52, at least 1.41; its own minimum from GET /version only if it offers more than 1.52), and an engine that is too old
 * or too new is ERR_USER with both versions named. Done again whenever the link was lost. http is borrowed and must outlive the
 * driver; cores bounds container starts in flight (2 x cores); auth_dir is the folder of Docker's config.json, or NULL.
 *
 * `free` is fine at any moment but from inside one of the driver's own callbacks; nothing is called back after it.
 * Source: Docker Engine API 1.41 .. 1.52. */
struct driver *docker_new(struct http *http, int cores, const char *auth_dir, struct err *e);

/* Of a docker_new driver: route files are written and seen through this router (borrowed; set before the first look), whose container is the one
 * service of `app`. Without it OP_ROUTE_WRITE and OP_ROUTE_SEE fail with ERR_USER, and no routes are observed. */
struct router;
void docker_use_router(struct driver *d, struct router *router, const char *owner, const char *app);

/* Of a docker_new driver: records of volumes in quarantine are kept there (borrowed; set before the first look; read anew by each look). Without it
 * OP_VOLUME_QUARANTINE and OP_VOLUME_RELEASE fail with ERR_USER, and none are observed. */
struct quarantine_folder;
void docker_use_quarantine(struct driver *d, struct quarantine_folder *folder);

/* Of a docker_new driver: what became of lifecycle hooks is kept there (borrowed; set before the first look). Without it OP_HOOKS fails with
 * ERR_USER, and none are observed. */
struct hook_folder;
void docker_use_hooks(struct driver *d, struct hook_folder *folder);

/* Of a docker_new driver: when images were pulled is kept there (borrowed; set before the first look). Without it the time is not known. */
struct pull_log;
void docker_use_pulls(struct driver *d, struct pull_log *log);

/* Of a docker_new driver: volume -> bytes on disk, as a decimal number, of those whose size the engine knows; valid during the callback only. The
 * engine counts file by file, and an engine before API 1.42 counts its images and build cache too: not for loops. */
typedef void docker_sizes_fn(void *user, const struct kvs *sizes, const struct err *e);
void docker_volume_sizes(struct driver *d, docker_sizes_fn *done, void *user);

/* Of a docker_new driver: the images that carry the owner's build label, dangling ones among them (engine_images.h; valid during the callback only). */
struct engine_image;
typedef void docker_images_fn(void *user, const struct engine_image *v, size_t n,
                              const struct err *e);
void docker_images(struct driver *d, const char *owner, docker_images_fn *done, void *user);
/* Take away one name of an image, and the image with its last one; or the image of that id. Never forced, nothing is pruned along with it. Absent is
 * success; what is in use, or something else stands on it, ERR_CONFLICT. */
void docker_image_remove(struct driver *d, const char *ref, op_done_fn *done, void *user);
/* What pack itself calls the image that becomes this one: REPOSITORY:packing, in the arena. */
const char *docker_packing_image(const char *tag, struct arena *a);

/* Of a docker_new driver: what a running container uses (engine_stats.h; valid during the callback only). The engine takes a second or two: two samples of the CPU. */
struct engine_stats;
typedef void docker_stats_fn(void *user, const struct engine_stats *s, const struct err *e);
void docker_stats(struct driver *driver, const char *id, docker_stats_fn *done, void *user);

#endif
