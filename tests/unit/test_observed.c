/* test_observed.c: order and look-up of what the engine has, and its JSON form both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/observed.h"
#include "drivers/op.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"

static int set_up(void **state)
{
    *state = arena_new();
    return 0;
}

static int tear_down(void **state)
{
    arena_free(*state);
    return 0;
}

static struct observed *read_text(struct arena *a, const char *text, struct err *e)
{
    json_auto_t *v = js_parse(text, strlen(text), e);

    assert_non_null(v);
    return observed_from_json(v, a, e);
}

static struct observed *must_read(struct arena *a, const char *text)
{
    struct err e = {0};
    struct observed *o = read_text(a, text, &e);

    if (!o)
        fail_msg("%s", e.msg);
    return o;
}

static const char two_apps[] =
    "{'containers':["
    "{'name':'zz'},"
    "{'name':'b-web-2','labels':{'evenkeel.app':'b','evenkeel.service':'web','evenkeel.index':'2'}}"
    ","
    "{'name':'b-web-10','labels':{'evenkeel.app':'b','evenkeel.service':'web','evenkeel.index':'10'"
    "}},"
    "{'name':'b-db-1','labels':{'evenkeel.app':'b','evenkeel.service':'db','evenkeel.index':'1'}},"
    "{'name':'a-app-1','labels':{'evenkeel.app':'a','evenkeel.service':'app','evenkeel.index':'1',"
    "'evenkeel.owner':'default','evenkeel.hash':'12','evenkeel.origin':'/r//a.yaml'}},"
    "{'name':'foreign'}]}";

/* JSON with single quotes, to be legible here. */
static char *quoted(struct arena *a, const char *text)
{
    char *s = arena_strdup(a, text);

    for (char *c = s; *c; c++)
        if (*c == '\'')
            *c = '"';
    return s;
}

static void sorts_by_app_service_index_name_and_foreign_last(void **state)
{
    struct observed *o = must_read(*state, quoted(*state, two_apps));
    static const char *const order[] = {"a-app-1",  "b-db-1",  "b-web-2",
                                        "b-web-10", "foreign", "zz"};

    assert_int_equal(o->n_containers, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(o->containers[i].name, order[i]);
    assert_string_equal(o->by_name[1]->name, "b-db-1");
    assert_string_equal(o->by_name[2]->name, "b-web-10");
}

static void reads_identity_off_the_labels(void **state)
{
    struct observed *o = must_read(*state, quoted(*state, two_apps));
    const struct obs_container *c = observed_container(o, "a-app-1");

    assert_non_null(c);
    assert_string_equal(c->owner, "default");
    assert_string_equal(c->app, "a");
    assert_string_equal(c->service, "app");
    assert_string_equal(c->hash, "12");
    assert_string_equal(c->origin, "/r//a.yaml");
    assert_int_equal(c->index, 1);
    c = observed_container(o, "foreign");
    assert_null(c->owner);
    assert_null(c->app);
    assert_int_equal(c->index, 0);
}

static void ignores_an_index_that_is_no_number(void **state)
{
    static const char *const bad[] = {"x", "-1", "99999999999", ""};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct observed *o =
            must_read(*state, quoted(*state, arena_printf(*state,
                                                          "{'containers':[{'name':'n','labels':"
                                                          "{'evenkeel.index':'%s'}}]}",
                                                          bad[i])));
        assert_int_equal(o->containers[0].index, 0);
    }
}

static void finds_the_range_of_an_app(void **state)
{
    struct observed *o = must_read(*state, quoted(*state, two_apps));
    static const struct {
        const char *app;
        size_t from, to;
    } cases[] = {{"a", 0, 1}, {"b", 1, 4}, {"0", 0, 0}, {"aa", 1, 1}, {"c", 4, 4}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t from = 77, to = 78;

        observed_app_range(o, cases[i].app, &from, &to);
        assert_int_equal(from, cases[i].from);
        assert_int_equal(to, cases[i].to);
    }
}

static void finds_by_name_the_first_or_nothing(void **state)
{
    struct observed *o = must_read(
        *state, quoted(*state, "{'networks':[{'name':'n','id':'2'},{'name':'n','id':'1'}],"
                               "'volumes':[{'name':'v2'},{'name':'v1'}],"
                               "'images':[{'ref':'b:1','id':null},{'ref':'a:1'}]}"));
    struct observed nothing = {0};

    assert_string_equal(observed_network(o, "n")->id, "1");
    assert_null(observed_network(o, "m"));
    assert_string_equal(observed_volume(o, "v2")->name, "v2");
    assert_null(observed_volume(o, "v3"));
    assert_null(observed_image(o, "b:1")->id);
    assert_memory_equal(observed_image(o, "a:1")->id, "sha256:", 7);
    assert_null(observed_image(o, "c:1"));
    observed_seal(&nothing, *state);
    assert_null(observed_container(&nothing, "x"));
    assert_null(observed_network(&nothing, "x"));
}

static void fills_in_what_a_hand_leaves_out(void **state)
{
    struct observed *o = must_read(
        *state, quoted(*state, "{'containers':[{'name':'c','image':'i:1','networks':['n']}],"
                               "'networks':[{'name':'n'}],'images':[{'ref':'i:1'}],"
                               "'volumes':[{'name':'v'}]}"));
    const struct obs_container *c = &o->containers[0];

    assert_int_equal(c->state, CS_RUNNING);
    assert_true(c->inspected);
    assert_int_equal(c->health, HEALTH_NONE);
    assert_string_equal(c->id, "id-c");
    assert_string_equal(c->image_id, o->images[0].id);
    assert_string_equal(c->networks[0].network_id, o->networks[0].id);
    assert_string_equal(o->networks[0].driver, "bridge");
    assert_string_equal(o->volumes[0].driver, "local");
}

static void reads_ports(void **state)
{
    struct observed *o = must_read(
        *state, quoted(*state, "{'containers':[{'name':'c','ports':['[::1]:53:53/udp','8080:80',"
                               "'127.0.0.1:8080:80/tcp','[::]:8443:443/tcp']}]}"));
    const struct obs_container *c = &o->containers[0];
    static const struct obs_port want[] = {{"::1", 53, 53, "udp"},
                                           {"", 8080, 80, "tcp"},
                                           {"127.0.0.1", 8080, 80, "tcp"},
                                           {"::", 8443, 443, "tcp"}};

    assert_int_equal(c->n_ports, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(c->ports[i].host_ip, want[i].host_ip);
        assert_string_equal(c->ports[i].protocol, want[i].protocol);
        assert_int_equal(c->ports[i].published, want[i].published);
        assert_int_equal(c->ports[i].target, want[i].target);
    }
}

/* Everything set to something that is not the default. */
static const char full[] =
    "{'containers':[{'created':'2026-11-22T10:00:00.007Z','error':'no such port','exit_code':137,"
    "'fields':{'environment.TZ':'UTC'},'finished':'2026-11-22T10:00:02Z','health':'unhealthy',"
    "'id':'c0ffee','image':'nginx:1','image_id':'sha256:1','inspected':false,"
    "'labels':{'evenkeel.app':'a','evenkeel.index':'3'},'name':'a-app-3','networks':["
    "{'aliases':['app','x'],'id':'0ne','name':'a_default'}],'oom_killed':true,"
    "'ports':['80:80/tcp','[::1]:81:80/tcp'],'restart_count':4,"
    "'started':'2026-11-22T10:00:01Z','state':'exited'}],"
    "'engine':{'api':'1.45','version':'26.1.5'},"
    "'images':[{'exposed':['80/tcp'],'fields':{'command':'x'},'id':'sha256:1','ref':'nginx:1'},"
    "{'id':null,'ref':'redis:7'}],"
    "'networks':[{'driver':'macvlan','gateway':'10.0.0.1','id':'0ne','internal':true,'labels':{'l':"
    "'1'},"
    "'name':'a_default','subnets':['10.0.0.0/26','fd00::/64']}],"
    "'routes':[{'app':'a','digest':'0123456789ab','error':'no','servers':['c0ffee'],"
    "'since':'2026-11-22T10:00:03Z','state':'failed'}],"
    "'volumes':[{'driver':'nfs','labels':{'l':'2'},'name':'a_data'}]}";

static void writes_what_it_reads(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    const char *text = quoted(*state, full);
    json_auto_t *v = observed_to_json(must_read(*state, text));

    js_canonical(v, &out);
    assert_string_equal(str_text(&out), text);
}

static void writing_the_empty_and_reading_it(void **state)
{
    CLEANUP(str_release) struct str out = STR_INIT;
    struct observed empty = {0};
    json_auto_t *v = observed_to_json(&empty);

    js_canonical(v, &out);
    assert_string_equal(str_text(&out), "{\"engine\":{}}");
    assert_int_equal(must_read(*state, str_text(&out))->n_containers, 0);
}

static void refuses_with_the_place(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[]", "must be an object"},
        {"{'container':[]}", "unknown member \"container\""},
        {"{'containers':{}}", "containers: must be a list"},
        {"{'containers':[{}]}", "containers: [0]: a container needs a name"},
        {"{'containers':[{'name':'a'},{'nam':'b'}]}", "containers: [1]: unknown member \"nam\""},
        {"{'containers':[{'name':'a','state':'up'}]}",
         "containers: [0]: state: must be created, running, paused, restarting, removing, exited "
         "or "
         "dead"},
        {"{'containers':[{'name':'a','health':3}]}",
         "containers: [0]: health: must be none, starting, healthy or unhealthy"},
        {"{'containers':[{'name':'a','created':'now'}]}",
         "containers: [0]: created: must be a time like \"2026-11-22T10:00:00Z\""},
        {"{'containers':[{'name':'a','created':7}]}",
         "containers: [0]: created: must be a time like \"2026-11-22T10:00:00Z\""},
        {"{'containers':[{'name':'a','exit_code':4294967296}]}",
         "containers: [0]: exit_code: must be a number of 32 bits"},
        {"{'containers':[{'name':'a','inspected':1}]}",
         "containers: [0]: inspected: must be true or false"},
        {"{'containers':[{'name':'a','labels':{'x':1}}]}",
         "containers: [0]: labels: must be an object of strings"},
        {"{'containers':[{'name':'a','labels':[]}]}",
         "containers: [0]: labels: must be an object of strings"},
        {"{'containers':[{'name':'a','networks':[{}]}]}",
         "containers: [0]: networks: [0]: must be a network's name, or an object with a name"},
        {"{'containers':[{'name':'a','networks':[{'name':'n','aliases':[1]}]}]}",
         "containers: [0]: networks: [0]: aliases: must be a list of strings"},
        {"{'containers':[{'name':'a','ports':['80']}]}",
         "containers: [0]: ports: [0]: must be a port like \"127.0.0.1:8080:80/tcp\""},
        {"{'containers':[{'name':'a','ports':['0:80']}]}",
         "containers: [0]: ports: [0]: must be a port like \"127.0.0.1:8080:80/tcp\""},
        {"{'containers':[{'name':'a','ports':['[:80:80']}]}",
         "containers: [0]: ports: [0]: must be a port like \"[::1]:8080:80/tcp\""},
        {"{'containers':[{'name':'a','ports':[80]}]}",
         "containers: [0]: ports: [0]: must be a port like \"127.0.0.1:8080:80/tcp\""},
        {"{'networks':[{'id':'1'}]}", "networks: [0]: a network needs a name"},
        {"{'volumes':[{}]}", "volumes: [0]: a volume needs a name"},
        {"{'images':[{'id':'sha256:1'}]}", "images: [0]: an image needs a ref"},
        {"{'images':[{'ref':null}]}", "images: [0]: ref: must be a string"},
        {"{'engine':{'version':20}}", "engine: version: must be a string"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct observed *o = read_text(*state, quoted(*state, cases[i].text), &e);

        assert_null(o);
        assert_int_equal(e.kind, ERR_USER);
        assert_string_equal(e.msg, cases[i].message);
    }
}

static void words_go_both_ways(void **state)
{
    enum container_state s = CS_DEAD;
    enum health h = HEALTH_UNHEALTHY;

    (void)state;
    for (enum container_state i = CS_CREATED; i <= CS_DEAD; i++) {
        assert_int_equal(container_state_parse(container_state_name(i), &s), 0);
        assert_int_equal(s, i);
    }
    for (enum health i = HEALTH_NONE; i <= HEALTH_UNHEALTHY; i++) {
        assert_int_equal(health_parse(health_name(i), &h), 0);
        assert_int_equal(h, i);
    }
    assert_int_equal(container_state_parse("Running", &s), -1);
    assert_int_equal(container_state_parse(NULL, &s), -1);
    assert_int_equal(s, CS_DEAD);
    assert_int_equal(health_parse("", &h), -1);
    assert_int_equal(h, HEALTH_UNHEALTHY);
}

static void every_operation_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = OP_PULL; i <= OP_DRAIN; i++)
        for (int j = OP_PULL; j < i; j++)
            assert_string_not_equal(op_kind_name((enum op_kind)i), op_kind_name((enum op_kind)j));
    assert_string_equal(op_kind_name(OP_CONTAINER_START), "start");
    assert_string_equal(op_kind_name((enum op_kind)99), "unknown");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sorts_by_app_service_index_name_and_foreign_last),
        TEST(reads_identity_off_the_labels),
        TEST(ignores_an_index_that_is_no_number),
        TEST(finds_the_range_of_an_app),
        TEST(finds_by_name_the_first_or_nothing),
        TEST(fills_in_what_a_hand_leaves_out),
        TEST(reads_ports),
        TEST(writes_what_it_reads),
        TEST(writing_the_empty_and_reading_it),
        TEST(refuses_with_the_place),
        TEST(words_go_both_ways),
        TEST(every_operation_has_a_word_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
