/* document.h: one file's text in, its typed documents out.
 *
 * The kind of a document follows from the top-level key it has: app, override, host (reserved), or services/include
 * (Compose). A document with none of these is not ours, unless the file's name says it should be. */
#ifndef EK_DOCUMENT_H
#define EK_DOCUMENT_H

#include "spec/app.h"

struct arena;
struct yaml_node;

enum doc_kind { DOC_APP, DOC_OVERRIDE, DOC_COMPOSE, DOC_FOREIGN };

struct document {
    enum doc_kind kind;
    struct place at;
    bool ok;          /* decoded without an error */
    const char *name; /* app or override name even when !ok, if it could be read; else NULL */
    struct app
        *app; /* DOC_APP or DOC_COMPOSE, and ok; NULL for a Compose file that is part of another */
    struct override *override;    /* DOC_OVERRIDE and ok */
    const struct yaml_node *tree; /* what was decoded: resolved, of a Compose file; or NULL */
    struct strv bundles; /* archives that its services name as their source, also when !ok */
};

/* How the pure decoder reads env_file (and, later, what extends and include name). path is absolute. Returns 0 with the text in
 * the arena, or -1 with e set (ERR_MISSING when there is no such file). Reads at most LIMIT_ENV_FILE_BYTES. */
struct loader {
    int (*read)(void *ctx, const char *path, struct arena *a, const char **ret_text, size_t *ret_n,
                struct err *e);
    void *ctx;
    /* The text stands in this archive (absolute path), or NULL. Services that name no source are built from it, and nothing in it reaches the host. */
    const char *bundle;
    const char *
        inside; /* path in the archive that the text has; NULL: it has none, or it does not matter */
    /* The `app:` document whose source the Compose file is, or NULL: it gives the name, and routes, volumes and variables to the main service. */
    const struct app *over;
    /* Where path, which was read, really is when a link leads it out of folder: absolute, in the arena; else NULL. The member may be NULL: there are no links. */
    const char *(*leads)(void *ctx, const char *folder, const char *path, struct arena *a);
    /* SHA-256 of a file, 64 hex digits, for those whose content nobody here needs to know; NULL with 0: it is a folder. At most LIMIT_SECRET_BYTES. The member may be NULL: nobody can
     * tell, and the file is mounted from where it is. */
    int (*digest)(void *ctx, const char *path, struct arena *a, const char **ret_digest,
                  struct err *e);
};

/* Folder that stands for the inside of an archive in paths. */
#define BUNDLE_FOLDER "/archive"
/* The names under which Compose looks for its file, first one first. */
extern const char *const compose_names[4];
/* May the source of this service be a Compose file? Neither a Dockerfile, a language nor a command is named then. */
bool source_may_be_compose(const struct service *s);

struct spec_file {
    uint64_t serial;  /* of this very reading, never used twice by its reader; 0: not known */
    const char *root; /* as configured, absolute */
    const char *path; /* below root */
    const char *name; /* for diagnostics: as the user would type it */
    bool broken; /* any error at all: freezes apps that no readable file holds (design law 6) */
    struct document *documents;
    size_t n_documents;
    const char *bundle; /* absolute path of the archive that it stands for, or NULL */
    struct strv
        reads; /* absolute paths of other files it was made from, there or not, for the watcher */
    struct strv parts; /* those that are part of its Compose app, and so no app of their own */
    struct diag_list diags;
};

/* Decode and validate one file. Fills ret in the arena; never fails: everything wrong is in ret->diags and ret->broken.
 * dir is the absolute folder of the file, for relative paths. */
void document_parse(const char *root, const char *path, const char *name, const char *dir,
                    const char *text, size_t n, const struct loader *loader, struct arena *a,
                    struct spec_file *ret);

/* .zip, .tar, .tar.gz, .tgz, .tar.zst */
bool bundle_name(const char *name);
/* The text that an archive without a spec of its own stands for, and its app's name; NULL if the file's name cannot be an app's. In the arena. */
const char *bundle_text(const char *path, struct arena *a);

/* The name of such a path without folder and ending; in the arena. */
const char *bundle_stem(const char *path, struct arena *a);

/* A DNS label: a-z, 0-9, inner '-', at most LIMIT_APP_NAME. */
bool app_name_valid(const char *name);

#endif
