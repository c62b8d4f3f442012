/* The command line: one table of verbs, the help made from it, and nothing else.
 *
 * Comes in: argv. Goes out: exit codes that are a promise (design: 0 fine, 1 trouble, 2 there are changes). */
#include <locale.h>
#include <signal.h>

#include "agent/cli.h"
#include "spec/base/arena.h"
#include "spec/base/str.h"

struct verb {
    const char *name, *args, *summary;
    uint64_t options;
    size_t min_words, max_words;
    verb_fn *run;
    const char *help;
};

#define ANY 10000

/* clang-format off */
static const struct verb verbs[] = {
    {"agent", "", "watch the roots and keep the engine in the state they describe",
     OPT_PLACES | OPT_LOG | OPT_LISTEN, 0, 0, cli_agent,
     "Runs in the foreground until SIGTERM or Ctrl-C; SIGHUP looks at everything again. One agent per state\n"
     "directory. What it does goes to standard error and into the history (`evenkeel history`).\n"
     "\n"
     "  evenkeel agent --root ./apps --state ./state\n"},
    {"validate", "[PATH...]", "check specs and name every problem with its place",
     OPT_ROOT | OPT_CONFIG | OPT_JSON | OPT_VERBOSE, 0, ANY, cli_validate,
     "PATH is a file or a directory; without one the roots are checked. Needs no engine.\n"
     "Exit: 0 fine, 1 problems.\n"},
    {"plan", "[APP...]", "show what would be done, and why; change nothing",
     OPT_PLACES | OPT_JSON | OPT_DOT | OPT_VERBOSE, 0, ANY, cli_plan,
     "Exit: 0 nothing to do, 2 changes, 1 error.\n"},
    {"apply", "[APP...]", "converge once, then exit",
     OPT_PLACES | OPT_CONFIRM | OPT_LOG, 0, ANY, cli_apply,
     "Works without an agent. Beside a running agent it does nothing itself: it says so and watches the agent do it.\n"
     "Exit: 0 converged, 1 not, with the reason.\n"},
    {"drift", "[APP...]", "show what somebody else changed in the engine",
     OPT_PLACES | OPT_JSON | OPT_HTML | OPT_JUNIT, 0, ANY, cli_drift,
     "A table, then each difference in full: what is wanted, what is there, who did it as far as the engine's events tell, and\n"
     "what becomes of it. Values that may be secret are not shown. Exit: 0 none, 2 drift, 1 error.\n"
     "\n"
     "  evenkeel drift --html > drift.html\n  evenkeel drift --junit > drift.xml\n"
     "  evenkeel history blog --drift                   what was changed before, and when that ended\n"},
    {"status", "[APP...]", "one line per app: state, containers, and why",
     OPT_PLACES | OPT_JSON | OPT_VERBOSE, 0, ANY, cli_status,
     "States: Synced, OutOfSync, Progressing, Degraded, Missing, Frozen, Held, Stopped, Completed, Refused.\n"
     "Exit: 0 every app is well, 2 some are not, 1 error.\n"},
    {"logs", "APP[/SERVICE[/INDEX]]", "show the output of an app's containers",
     OPT_PLACES | OPT_FOLLOW | OPT_TAIL | OPT_SINCE | OPT_TIMESTAMPS | OPT_BUILD, 1, 1, cli_logs,
     "With --build, of its last build, also of one that failed; that needs no engine.\n"
     "\n"
     "  evenkeel logs blog -f\n  evenkeel logs shop/db --tail 20\n  evenkeel logs blog --build\n"},
    {"stats", "[APP...]", "what each container uses: CPU, memory, network, block devices",
     OPT_PLACES | OPT_JSON, 0, ANY, cli_stats,
     "The figures of `docker stats`, measured once over a second. 100 % is one core.\n"
     "\n"
     "  evenkeel stats\n  evenkeel stats blog --json\n"},
    {"history", "[APP]", "what the agent did, newest first",
     OPT_STATE | OPT_CONFIG | OPT_JSON | OPT_LIMIT | OPT_ACTIONS | OPT_DRIFT, 0, 1, cli_history,
     "With --drift: what somebody else changed, when it was seen, by which event, and when that ended.\n"
     "\n"
     "  evenkeel history blog --actions\n  evenkeel history blog --drift\n"},
    {"stop", "APP", "stop an app and leave it stopped", OPT_PLACES, 1, ANY, cli_stop,
     "Writes an override into STATE/overrides; no spec is edited. `evenkeel start APP` undoes it.\n"},
    {"start", "APP", "undo `stop` and `remove`", OPT_PLACES, 1, ANY, cli_start, ""},
    {"restart", "APP", "restart an app's containers once", OPT_PLACES, 1, ANY, cli_restart, ""},
    {"remove", "APP", "remove an app's containers and networks; its volumes stay", OPT_PLACES | OPT_VOLUMES, 1, ANY, cli_remove,
     "Also for apps whose root is no longer configured. `evenkeel start APP` undoes it while a file holds the app.\n"
     "With --volumes its volumes go into quarantine, where they keep name and data for 7 days (`volumes: {quarantine: 30d}` in\n"
     "the configuration); then they are deleted. An app that declares one before that has it back.\n"},
    {"volumes", "[ls] | restore NAME... | purge NAME...", "list volumes, who uses them, and what is in quarantine",
     OPT_PLACES | OPT_JSON | OPT_VERBOSE | OPT_SIZE | OPT_DELETE_DATA, 0, ANY, cli_volumes,
     "Lists volumes that an evenkeel made; with -v all of the engine. States: in use, unused, orphan (no app declares it), quarantine\n"
     "(with its end), foreign. `restore` takes a volume out of quarantine; `purge` has it deleted now, or an orphan, and wants to be\n"
     "told so in words. What a container uses or an app declares is never deleted, nor what is not this agent's.\n"
     "\n"
     "  evenkeel remove blog --volumes\n  evenkeel volumes\n  evenkeel volumes restore blog_content\n"
     "  evenkeel volumes purge blog_content --yes-delete-data\n"},
    {"hold", "APP", "leave an app alone for a while, whatever differs", OPT_PLACES | OPT_FOR, 1, ANY, cli_hold,
     "  evenkeel hold blog --for 1h\n"},
    {"release", "APP", "undo `hold`", OPT_PLACES, 1, ANY, cli_release, ""},
    {"replay", "[FILE]", "plan a saved pass again", OPT_STATE | OPT_CONFIG | OPT_JSON | OPT_DOT | OPT_VERBOSE | OPT_PASS | OPT_LIMIT,
     0, 1, cli_replay,
     "Each pass that decided something saves its complete input. Without FILE the newest one (or --pass N) is read from\n"
     "STATE; `evenkeel replay list` names them; `evenkeel replay --json` prints the plan as JSON.\n"
     "The input holds the texts of your specs: look through it before you send it to anybody.\n"},
    {"gc", "", "remove images of old builds", OPT_PLACES | OPT_JSON | OPT_DRY_RUN, 0, 0, cli_gc,
     "The newest 5 builds of each service stay; older ones go 24 hours after their last use, and with them what lost its name\n"
     "to a newer build. What a container has or a spec wants stays, and nothing is touched that evenkeel did not build. The\n"
     "agent does it every hour. See first: evenkeel gc --dry-run\n"},
    {"convert", "APP[/SERVICE]|PATH", "write out what evenkeel makes of a spec or of a source",
     OPT_ROOT | OPT_STATE | OPT_CONFIG | OPT_DOCKERFILE | OPT_JSON, 1, 1, cli_convert,
     "Prints the app as one Compose file that needs no other: variables filled in, `extends`, `include` and override files merged,\n"
     "every value in its long form, as `docker compose config` does; with what evenkeel has beyond Compose under `x-evenkeel`.\n"
     "Like that it shows what .env and env files hold: look through it before you send it to anybody.\n"
     "\n"
     "With --dockerfile: the Dockerfile that an app, a directory or an archive is built with, made for its language if it\n"
     "brings none. Put it beside the source to have it your way from then on. Needs no engine.\n"
     "\n"
     "  evenkeel convert shop > whole.compose.yaml\n  evenkeel convert --json ./shop/compose.yaml\n"
     "  evenkeel convert --dockerfile blog > apps/blog/Dockerfile\n  evenkeel convert --dockerfile ./src\n"},
    {"deploy", "FILE", "send an archive or a spec to an agent, and wait until the app is well",
     OPT_TO | OPT_APP | OPT_UPLOAD | OPT_TOKEN_FILE | OPT_TIMEOUT, 1, 1, cli_deploy,
     "FILE is a ZIP, tar.gz or tar.zst, or a spec (.yaml, .yml); the app is called as --app says, else after it. The token comes from a\n"
     "file or from EVENKEEL_TOKEN, never from the command line. What the agent does is shown as it does it.\n"
     "What is said of an archive's app (--route to --gpus) stays with the next archive, until the same is said anew.\n"
     "Exit: 0 the app is well, 1 it is not, or was not taken, with the reason.\n"
     "\n"
     "  evenkeel deploy blog.zip --to https://evenkeel.example.org --token-file ~/.evenkeel-token\n"
     "  EVENKEEL_TOKEN=ek_... evenkeel deploy site.zip --to http://127.0.0.1:5001 --app blog --route /blog\n"
     "  evenkeel deploy shop.zip --port 8080 --volume data:/var/lib/shop --env LANG=de --secret db-password\n"},
    {"secret", "set NAME | ls | rm NAME...", "keep passwords, keys and certificates that specs name",
     OPT_STATE | OPT_CONFIG | OPT_APP | OPT_FILE | OPT_JSON, 1, ANY, cli_secret,
     "A value comes from standard input or a file, never from the command line, and is never shown again. It is one file in\n"
     "STATE/secrets, readable by its owner alone; a running agent sees it change. With --app it is that app's own, and wins\n"
     "over the common one of the same name. A value may be a password file, a certificate with its chain, or a private key.\n"
     "\n"
     "  htpasswd -nB anna | evenkeel secret set --app blog users     route: {path: /blog, middlewares: {basic_auth: {secret: users}}}\n"
     "  evenkeel secret set shop-cert --file fullchain.pem\n"
     "  evenkeel secret set shop-key --file privkey.pem              route: {host: shop.example.org, tls: {cert: shop-cert, key: shop-key}}\n"
     "  evenkeel secret ls                                           names, kinds, and when certificates end\n"
     "  evenkeel secret rm --app blog users\n"},
    {"token", "create NAME | ls | revoke ID|NAME|TOKEN...", "make and revoke the tokens that machines show instead of a password",
     OPT_STATE | OPT_CONFIG | OPT_SCOPE | OPT_EXPIRES | OPT_APP | OPT_JSON, 1, ANY, cli_token,
     "A token is printed once, alone on standard output; STATE/tokens.json keeps only its digest. A running agent takes a new\n"
     "one, and refuses a revoked one, at once. read sees, deploy also changes apps, admin everything; read and deploy can be\n"
     "narrowed to apps.\n"
     "\n"
     "  evenkeel token create ci --scope deploy --app blog,shop --expires 30d\n"
     "  evenkeel token ls\n"
     "  evenkeel token revoke ci\n"},
    {"audit", "ls | verify", "who asked for what, and what was done; and whether that log is whole",
     OPT_STATE | OPT_CONFIG | OPT_APP | OPT_SINCE | OPT_LIMIT | OPT_JSON, 1, 1, cli_audit,
     "Each record in STATE/audit holds the hash of the one before it. verify names the first line that was changed, removed\n"
     "or put in. Who keeps the head that it prints somewhere else also notices a log that was made anew.\n"
     "Exit: 0 whole, 1 not.\n"
     "\n"
     "  evenkeel audit ls --app blog --since 7d\n"
     "  evenkeel audit verify\n"},
    {"schema", "app|config|compose|openapi|policy|reference|drift", "print the JSON Schema of a file, the API (OpenAPI 3.1), the words of `policy:`, the reference of keys, or the fields that drift compares", 0, 1, 1, cli_schema,
     "For editors: put `# yaml-language-server: $schema=app.schema.json` at the top of a spec.\n"},
    {"version", "", "print the version", 0, 0, 0, cli_version, ""},
};
/* clang-format on */

static void help_all(FILE *out)
{
    (void)fputs("evenkeel keeps a Docker host in the state its files describe.\n\n"
                "Usage: evenkeel VERB [FLAGS] [ARGUMENTS]\n\n",
                out);
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        (void)fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    (void)fputs("\n`evenkeel VERB --help` says more about one.\n"
                "A first app:  mkdir apps && printf 'app: hello\\nimage: "
                "nginx:1.27-alpine\\nports: [\"8080:80\"]\\n' > apps/hello.yaml\n"
                "              evenkeel apply --root apps --state state\n",
                out);
}

static void help_verb(const struct verb *v)
{
    CLEANUP(str_release) struct str flags = STR_INIT;
    options_help(v->options, &flags);
    printf("Usage: evenkeel %s%s%s%s\n\n%c%s.\n", v->name, v->options ? " [FLAGS]" : "",
           *v->args ? " " : "", v->args, v->summary[0] - 'a' + 'A', v->summary + 1);
    if (*v->help)
        printf("\n%s", v->help);
    if (flags.len > 0)
        printf("\n%s", str_text(&flags));
}

static const struct verb *verb_of(const char *name)
{
    const char *names[ARRAY_LEN(verbs)];
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        names[i] = verbs[i].name;
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    const char *near = str_nearest(name, names, ARRAY_LEN(names));
    (void)fprintf(stderr, "evenkeel: unknown verb \"%s\"%s%s%s; `evenkeel help` lists them\n", name,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
    struct err e = {0};
    struct diag_list diags;
    struct options o;
    struct arena *a = arena_new();
    diag_init(&diags, a);
    int rc = options_parse(argc, argv, v->options, a, &diags, &o, &e);
    (void)cli_diags(&diags, true);
    if (rc == 0 && o.help) {
        help_verb(v);
    } else if (rc == 0 && (o.words.n < v->min_words || o.words.n > v->max_words)) {
        (void)fprintf(stderr, "evenkeel: usage: evenkeel %s %s; see `evenkeel %s --help`\n",
                      v->name, v->args, v->name);
        rc = 1;
    } else if (rc == 0) {
        rc = v->run(&o);
    } else {
        rc = cli_fail(&e);
    }
    arena_free(a);
    return rc;
}

int main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* libarchive gives no names without it */
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        help_all(stderr);
        return 1;
    }
    if (strcmp(argv[1], "help") == 0 && argc > 2) {
        const struct verb *about = verb_of(argv[2]);
        if (about)
            help_verb(about);
        return about ? 0 : 1;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        help_all(stdout);
        return 0;
    }
    const struct verb *v = verb_of(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    return v ? run_verb(v, argc - 1, argv + 1) : 1;
}
