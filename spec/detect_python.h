/* detect_python.h: what the rooms of Python's detection share; nobody else includes it. */
#ifndef EK_DETECT_PYTHON_H
#define EK_DETECT_PYTHON_H

#include "spec/base/str.h"

struct detect_app;

enum python_installer {
    INSTALL_NOTHING,
    INSTALL_REQUIREMENTS,
    INSTALL_UV,
    INSTALL_POETRY,
    INSTALL_PIPENV,
    INSTALL_PROJECT,
};

struct python {
    struct detect_app *app;
    enum python_installer installer;
    const char *requirements; /* a file, or NULL */
    const char *packages;     /* all texts that name packages, in small letters, "-" for "_" */
    /* found by python_find_entry */
    const char *start; /* a command somebody wrote, or NULL */
    struct strv words; /* else its words */
    struct strv extra; /* packages to add: a server that nobody listed */
    struct strv env;   /* NAME=VALUE, ours */
    bool collect_static;
};

/* Is the package named anywhere? As "-" and in small letters. */
bool python_lists(const struct python *py, const char *package);
/* What to start; -1 when nothing points to anything. */
int python_find_entry(struct python *py);

#endif
