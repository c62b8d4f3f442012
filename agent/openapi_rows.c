/* What each row of the API is for, in the order of access_rows.c; and the objects that are sent and answered. tests/unit/test_openapi.c holds the tables against each other. */
#include "agent/openapi.h"

#include "spec/base/attr.h"

#define API "/api/v1"
#define APP API "/apps/{app}"
#define BUNDLE_QUERY                                                                               \
    "route:[string] port:integer volume:[string] env:[string] secret:[string] gpus:count "         \
    "reset:boolean dry_run:boolean wait:boolean timeout:string"
#define SAID                                                                                       \
    "route?:string port?:string volume?:string env?:string secret?:string gpus?:string "           \
    "reset?:string "

/* clang-format off */
static const struct openapi_row rows[] = {
    {"GET", "/healthz", "Is the agent there?", NULL, NULL, "200 text/plain"},
    {"GET", "/readyz", "Has it seen the engine?", NULL, NULL, "200 text/plain, 503 text/plain"},
    {"GET", "/metrics", "Figures for Prometheus (text format 0.0.4)", NULL, NULL, "200 text/plain"},

    {"GET", "/login", "The page to log in", NULL, NULL, "200 text/html"},
    {"POST", "/login", "Its form", NULL, "form Login", "303 text/plain, 401 text/html, 429 text/html"},
    {"POST", "/logout", "End this session, from a page", NULL, "form Csrf", "303 text/plain"},
    {"GET", "/upload", "The page to send an archive, with the apps that there are", "placed:string", NULL, "200 text/html"},
    {"POST", "/upload", "Its form", NULL, "multipart UploadForm", "303 text/plain, 409 text/html, 422 text/html, 503 text/html"},

    {"POST", API "/login", "Begin a session", NULL, "json Login", "200 json Session"},
    {"GET", API "/session", "Who am I, and which token do changes need?", NULL, NULL, "200 json Session"},
    {"POST", API "/logout", "End this session", NULL, NULL, "200 json Done"},
    {"POST", API "/logout-everywhere", "End all sessions of this account", NULL, NULL, "200 json Done"},
    {"POST", API "/password", "Give oneself another password", NULL, "json PasswordChange", "200 json Done"},

    {"GET", API "/accounts", "Who has an account", NULL, NULL, "200 json Accounts"},
    {"PUT", API "/accounts/{name}", "Make or change an account", NULL, "json AccountChange", "200 json Account"},
    {"DELETE", API "/accounts/{name}", "Remove an account", NULL, NULL, "200 json Done"},
    {"GET", API "/tokens", "Tokens of machines; never their text", NULL, NULL, "200 json Tokens"},
    {"POST", API "/tokens", "Make a token; its text is told this once", NULL, "json TokenWanted", "201 json TokenMade"},
    {"DELETE", API "/tokens/{name}", "Revoke a token", NULL, NULL, "200 json Done"},

    {"GET", API "/apps", "All apps; with If-None-Match 304 when nothing of them changed", "state:string name:string @If-None-Match:string", NULL, "200 json Apps, 304"},
    {"POST", API "/apps", "A new app from a form; repositories are answered 501 for now", "dry_run:boolean", "json AppForm", "200 json Placed, 202 json Placed"},
    {"GET", APP, "One app", NULL, NULL, "200 json App"},
    {"GET", APP "/spec", "Its file, as it is", NULL, NULL, "200 application/yaml"},
    {"PUT", APP "/spec", "Put its file into uploads/; the answer holds the plan", "dry_run:boolean wait:boolean timeout:string", "bytes application/yaml", "200 json Placed, 202 json Placed, 200 text/plain"},
    {"DELETE", APP "/spec", "Take its file out of uploads/ again: the app goes, its volumes stay", NULL, NULL, "200 json Done"},
    {"POST", APP "/bundle", "Send its archive (ZIP, tar.gz, tar.zst); the answer holds the plan", BUNDLE_QUERY, "bytes application/octet-stream, multipart BundleForm", "200 json Placed, 202 json Placed, 200 text/plain"},
    {"PUT", APP "/bundle", "The same", BUNDLE_QUERY, "bytes application/octet-stream, multipart BundleForm", "200 json Placed, 202 json Placed, 200 text/plain"},
    {"GET", APP "/plan", "What would be done to it (schemas/plan.schema.json), and why", "format:json|text|html|dot", NULL, "200 json Document, 200 text/plain, 200 text/html"},
    {"GET", APP "/drift", "What somebody else changed of it (schemas/drift.schema.json)", "format:json|text|html|junit", NULL, "200 json Document, 200 text/plain, 200 text/html, 200 application/xml"},
    {"GET", APP "/stats", "What its containers use now; takes a second or two", NULL, NULL, "200 json Stats"},
    {"GET", APP "/secrets", "Names of its own secrets, never their values", NULL, NULL, "200 json Secrets"},
    {"PUT", APP "/secrets/{name}", "Put a secret of its own; the body is the value", NULL, "bytes application/octet-stream", "200 json SecretPut"},
    {"DELETE", APP "/secrets/{name}", "Remove it", NULL, NULL, "200 json Done"},
    {"GET", APP "/history", "What was done to it, newest first", "limit:integer", NULL, "200 json History"},
    {"GET", APP "/logs", "What its containers say, as server-sent events or text", "service:string index:integer tail:count since:string follow:boolean grep:string timestamps:boolean", NULL, "200 text/event-stream, 200 text/plain"},
    {"GET", APP "/builds", "What was said while each service was built", "tail:count", NULL, "200 text/plain"},
    {"GET", APP "/builds/{name}", "The same, of one service", "tail:count", NULL, "200 text/plain"},
    {"POST", APP "/stop", "Stop it, by an override", NULL, NULL, "202 json Watch"},
    {"POST", APP "/start", "Let it run again", NULL, NULL, "202 json Watch"},
    {"POST", APP "/restart", "Restart its containers", NULL, NULL, "202 json Watch"},
    {"POST", APP "/hold", "Leave it alone, for a while or until it is released", "for:string", NULL, "202 json Watch"},
    {"POST", APP "/release", "Look after it again", NULL, NULL, "202 json Watch"},
    {"POST", APP "/remove", "Remove it (state: removed); its volumes stay, or an admin sends them into quarantine", "volumes:keep|quarantine", NULL, "202 json Watch"},

    {"GET", API "/history", "What was done, newest first", "limit:integer", NULL, "200 json History"},
    {"GET", API "/stats", "What containers use now; takes a second or two", NULL, NULL, "200 json Stats"},
    {"GET", API "/events", "What happens, as server-sent events with ids; Last-Event-ID goes on from there", "app:string @Last-Event-ID:string", NULL, "200 text/event-stream"},
    {"POST", API "/validate", "Check a spec without placing it", "app:string", "bytes application/yaml", "200 json Validated"},
    {"GET", API "/volumes", "Volumes with owner, users and state, and those in quarantine", NULL, NULL, "200 json Document"},

    {"POST", API "/volumes/{name}/restore", "Out of quarantine", NULL, NULL, "200 json Done"},
    {"POST", API "/volumes/{name}/purge", "Delete a volume with all that is in it", "yes-delete-data:boolean", NULL, "202 json Done"},
    {"GET", API "/secrets", "Names of all secrets, never their values", NULL, NULL, "200 json Secrets"},
    {"PUT", API "/secrets/{name}", "Put a secret that any app may name; the body is the value", NULL, "bytes application/octet-stream", "200 json SecretPut"},
    {"DELETE", API "/secrets/{name}", "Remove it", NULL, NULL, "200 json Done"},
    {"GET", API "/removals", "Removals that are held because they are many at once", NULL, NULL, "200 json Removals"},
    {"POST", API "/confirm-removals", "Release exactly the held removals of this hash", NULL, "json Confirm", "202 json Confirmed"},
    {"GET", API "/agent", "The agent and its engine", NULL, NULL, "200 json Agent"},
    {"GET", API "/audit", "Who asked for what, newest first", "app:string", NULL, "200 json Audit"},
    {"GET", API "/audit/verify", "Is that log whole?", NULL, NULL, "200 json AuditVerified"},
};

static const struct openapi_schema schemas[] = {
    {"Problem", "type:string title:string status:integer detail?:string next?:string", false, "{\"type\": \"about:blank\", \"title\": \"Conflict\", \"status\": 409, \"detail\": \"shop is held by shop.yaml: change it there, or take another name\"}"},
    {"Done", "app?:string name?:string account?:string volume?:string ended?:integer changed?:boolean removed?:boolean revoked?:boolean restored?:boolean purging?:boolean", true, NULL},
    {"Document", "", true, NULL},
    {"Login", "account:string password:password", true, "{\"account\": \"admin\", \"password\": \"correct horse battery staple\"}"},
    {"Csrf", "csrf:string", true, "{\"csrf\": \"kJ3vQ8wZ0c1x\"}"},
    {"UploadForm", "csrf:string app:string " SAID "bundle:bytes", false, "{\"csrf\": \"kJ3vQ8wZ0c1x\", \"app\": \"blog\", \"route\": \"/blog\", \"bundle\": \"(the archive)\"}"},
    {"BundleForm", SAID "bundle:bytes", false, "{\"port\": \"8080\", \"env\": \"LANG=en\\nMODE=fast\", \"bundle\": \"(the archive)\"}"},
    {"Session", "by:string role:viewer|deployer|admin csrf?:string apps?:[string]", true, NULL},
    {"PasswordChange", "password:password new_password:password", true, "{\"password\": \"the old one\", \"new_password\": \"correct horse battery staple\"}"},
    {"AccountChange", "role:viewer|deployer|admin password?:password", true, "{\"role\": \"deployer\", \"password\": \"correct horse battery staple\"}"},
    {"Account", "account:string role:string disabled?:boolean", false, NULL},
    {"Accounts", "accounts:[Account]", false, NULL},
    {"Token", "id:string name:string by:string scope:string apps:[string] expires?:time revoked:boolean", false, NULL},
    {"Tokens", "tokens:[Token]", false, NULL},
    {"TokenWanted", "name:string scope:read|deploy|admin apps?:[string] days?:integer", true, "{\"name\": \"ci\", \"scope\": \"deploy\", \"apps\": [\"blog\"], \"days\": 90}"},
    {"TokenMade", "name:string token:password", false, NULL},
    {"App", "app:string state:Synced|OutOfSync|Progressing|Degraded|Missing|Frozen|Held|Stopped|Completed|Refused why?:string containers_wanted:integer containers_running:integer addresses:[string] origin:string revision:string builtin:boolean", false, NULL},
    {"Apps", "apps:[App] looked:boolean engine_trouble?:string", false, NULL},
    {"AppForm", "name:string repository?:string image?:string requirements_file?:string start_command?:string port?:integer gpus?:count route?:string", false, "{\"name\": \"web\", \"image\": \"nginx:1.27-alpine\", \"port\": 80, \"route\": \"/web\"}"},
    {"Placed", "app:string changed:boolean dry_run:boolean sha256?:string watch:string plan_trouble?:string plan?:Document", false, NULL},
    {"Watch", "app:string watch:string", false, NULL},
    {"Use", "app:string service?:string container:string trouble?:string cpu_percent?:number memory_bytes?:integer memory_limit_bytes?:integer network_received_bytes?:integer network_sent_bytes?:integer block_read_bytes?:integer block_written_bytes?:integer pids?:integer", false, NULL},
    {"Stats", "containers:[Use]", false, NULL},
    {"Secret", "name:string app?:string kind:string changed:time not_after?:time problem?:string", false, NULL},
    {"Secrets", "secrets:[Secret]", false, NULL},
    {"SecretPut", "name:string app?:string bytes:integer warning?:string", false, NULL},
    {"HistoryEntry", "at:time app?:string what?:string result?:string text?:string error?:string took_ms:integer", false, NULL},
    {"History", "history:[HistoryEntry]", false, NULL},
    {"Validated", "ok:boolean diagnostics:string reason?:string", false, NULL},
    {"HeldRemovals", "root:string apps:[string] of:integer hash:string", false, NULL},
    {"Removals", "held:[HeldRemovals]", false, NULL},
    {"Confirm", "hash:string", true, "{\"hash\": \"0123456789ab\"}"},
    {"Confirmed", "hash:string root:string apps:[string]", false, NULL},
    {"Engine", "version?:string platform?:string trouble?:string", false, NULL},
    {"Agent", "version:string owner:string roots:[string] uploads?:string apps:integer containers:integer engine:Engine", false, NULL},
    {"AuditRecord", "seq:integer at:time by:string from:string did:string app:string outcome:string detail:string", false, NULL},
    {"Audit", "audit:[AuditRecord]", false, NULL},
    {"AuditVerified", "whole:boolean records:integer head:string file?:string why?:string", false, NULL},
};

static const struct openapi_parameter parameters[] = {
    {"If-None-Match", "The ETag of the answer one has.", "\"9f2b6c01d4e8\""},
    {"Last-Event-ID", "The id of the last event one has: what was missed comes again.", "5f1c2a9b0d7e-42"},
    {"app", "Only of this app; of events several, with commas between.", "blog"},
    {"dry_run", "Only plan; place nothing.", "true"},
    {"env", "KEY=VALUE, a variable of the app; may come several times.", "LANG=en"},
    {"follow", "Go on as new lines come.", "true"},
    {"for", "How long: 30m, 1h; until it is released if not given.", "1h"},
    {"format", "How it is shown; without it as the Accept header asks, else as JSON.", "text"},
    {"gpus", "How many GPUs it gets, or `all`; if policy lets it.", "1"},
    {"grep", "Only lines with these words.", "error"},
    {"index", "Only of this container of a service, counted from 1.", "1"},
    {"limit", "At most so many.", "50"},
    {"name", "Only apps whose name holds this.", "blog"},
    {"placed", "An app that was just sent: how it is doing.", "blog"},
    {"port", "The port that the app listens on.", "8080"},
    {"reset", "Forget what was said with earlier archives.", "true"},
    {"route", "Where the app is reached: a path or a host; may come several times.", "/blog"},
    {"secret", "NAME or NAME:/PATH, a secret that the app finds as a file; may come several times.", "db-password"},
    {"service", "Only of this service.", "web"},
    {"since", "A duration back from now, or a time.", "10m"},
    {"state", "Only apps of this state.", "Degraded"},
    {"tail", "Only the last so many lines, or `all`.", "100"},
    {"timeout", "How long to wait at most, from 1s to 1h.", "10m"},
    {"timestamps", "Put the time before each line.", "true"},
    {"volume", "NAME:/PATH or NAME:/PATH:ro, a volume of the app's own; may come several times.", "content:/srv/content"},
    {"volumes", "What becomes of its volumes.", "keep"},
    {"wait", "Show what is done, line by line, until the app is well or is not; the last line begins with `ok: ` or `failed: `, and after the latter the answer breaks off.", "true"},
    {"yes-delete-data", "Said, because it cannot be undone.", "true"},
};
/* clang-format on */

const struct openapi_row *openapi_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rows);
    return rows;
}

const struct openapi_row *openapi_row_of(const struct access_row *row)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].method, row->method) == 0 && strcmp(rows[i].path, row->path) == 0)
            return &rows[i];
    return NULL;
}

const struct openapi_parameter *openapi_parameters(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(parameters);
    return parameters;
}

const struct openapi_schema *openapi_schemas(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(schemas);
    return schemas;
}
