/* role.h: what somebody may do: one ladder, on which each step holds those below it.
 *
 * Accounts have roles (viewer, deployer, admin), tokens have scopes (read, deploy, admin); a scope is the same step under the name of what it allows. */
#ifndef EK_ROLE_H
#define EK_ROLE_H

enum role {
    ROLE_NONE = 0, /* nobody: no credential, or none that is good */
    ROLE_VIEWER,   /* sees everything but secrets; changes nothing */
    ROLE_DEPLOYER, /* also changes apps */
    ROLE_ADMIN,    /* also accounts, tokens, secrets that are no app's, audit, what destroys data */
};

/* "viewer", "deployer", "admin"; "none". */
const char *role_name(enum role r);
/* "read", "deploy", "admin"; "none". */
const char *role_scope(enum role r);
/* 0, or -1 and *ret untouched: not a role (scope) that somebody can be given. */
int role_parse(const char *name, enum role *ret);
int role_parse_scope(const char *scope, enum role *ret);

#endif
