/* limits.h: every bound on what a stranger controls, in one place. Sizes in bytes unless the name says otherwise. */
#ifndef EK_LIMITS_H
#define EK_LIMITS_H

#define LIMIT_SPEC_BYTES (1024 * 1024) /* one YAML file */
#define LIMIT_YAML_DEPTH 64
#define LIMIT_YAML_NODES 100000 /* after aliases are expanded */
#define LIMIT_YAML_DOCUMENTS 256
#define LIMIT_YAML_ANCHORS 1000  /* in one document */
#define LIMIT_YAML_DIRECTIVES 16 /* %TAG lines */
#define LIMIT_COMPOSE_FILES 100  /* that one Compose app is made of */
#define LIMIT_COMPOSE_DEPTH 64   /* of include in include, and of extends in extends */
#define LIMIT_COMPOSE_NODES (2 * LIMIT_YAML_NODES) /* of one Compose app, all files together */
#define LIMIT_COMPOSE_BYTES                                                                        \
    (8 * 1024 * 1024) /* of its further files, and of texts that held variables */
#define LIMIT_ENV_FILE_BYTES (1024 * 1024)
#define LIMIT_DIAGS 200
#define LIMIT_APP_NAME 63 /* a DNS label */
#define LIMIT_SERVICE_NAME 63
#define LIMIT_SERVICES 200 /* in one app */
#define LIMIT_REPLICAS 1000
#define LIMIT_CONTAINERS 1000  /* of one app */
#define LIMIT_LIST 4096        /* entries of any list or mapping in a spec */
#define LIMIT_TEXT (64 * 1024) /* one scalar */
#define LIMIT_ROUTES 64        /* of one service */
#define LIMIT_APP_ROUTES 128   /* each may be an exception in each other's rule */
#define LIMIT_ROUTE_HOST 253
#define LIMIT_ROUTE_PATH 1024 /* keeps priorities of paths below those of hosts (route.h) */
#define LIMIT_ROOT_FILES 100000
#define LIMIT_ROOT_DEPTH 32
#define LIMIT_REPLY_BYTES (64 * 1024 * 1024) /* one answer of the engine that is held in memory */
#define LIMIT_SECRET_NAME 100
#define LIMIT_SECRET_BYTES (500 * 1000) /* as much as Docker's own take */
#define LIMIT_SECRETS 10000
#define LIMIT_APP_SECRETS 100     /* of one app; what one may set must leave room for all others */
#define LIMIT_COMMON_SECRETS 1000 /* of none */
#define LIMIT_APP_ARCHIVES_BYTES (INT64_C(16) << 30) /* sent for one app, and not yet removed */
#define LIMIT_QUARANTINE_BYTES (16 * 1024)           /* one record */
#define LIMIT_HOOKS 64                               /* of one kind, of one service */
#define LIMIT_HOOK_BYTES (16 * 1024)                 /* one record */
#define LIMIT_STREAM_LINE (1024 * 1024)              /* one line of a pull, event or build stream */

/* who may come in */
#define LIMIT_ACCOUNTS 500
#define LIMIT_ACCOUNT_NAME 64
#define LIMIT_PASSWORD 1024
#define LIMIT_TOKENS 1000
#define LIMIT_TOKEN_NAME 100
#define LIMIT_TOKEN_APPS 100                    /* that one token is narrowed to */
#define LIMIT_DOOR_FILE_BYTES (4 * 1024 * 1024) /* accounts, tokens */
#define LIMIT_AUDIT_TEXT 1000                   /* each text of a record; longer ones are cut */
#define LIMIT_UPLOAD_BYTES (1024LL * 1024 * 1024)
#define LIMIT_AUDIT_LINE (16 * 1024)

/* build contexts; `bundles:` in the configuration file narrows or widens them */
#define LIMIT_CONTEXT_BYTES (1024LL * 1024 * 1024)
#define LIMIT_CONTEXT_FILE_BYTES (512LL * 1024 * 1024)
#define LIMIT_CONTEXT_ENTRIES 10000
#define LIMIT_CONTEXT_PATH 1024
#define LIMIT_CONTEXT_DEPTH 32
#define LIMIT_CONTEXT_RATIO 200 /* unpacked to packed, judged after LIMIT_CONTEXT_RATIO_FROM */
#define LIMIT_CONTEXT_RATIO_FROM (10 << 20)
#define LIMIT_CONTEXT_MS 60000

#endif
