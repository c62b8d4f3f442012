/* test_engine_fields.c: bodies, inspect replies and images become lists that can be joined, and what counts as a difference.
 * tests/engine/test_fields.sh shows the same on real engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/engine_field_table.h"
#include "drivers/engine_fields.h"
#include "drivers/engine_fields_doc.h"
#include "spec/base/arena.h"
#include "spec/base/err.h"
#include "spec/base/js.h"
#include "spec/document.h"

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

/* JSON with single quotes, to be legible here. */
static json_t *json(struct arena *a, const char *text)
{
    struct err e = {0};
    char *s = arena_strdup(a, text);

    for (char *c = s; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *v = js_parse(s, strlen(s), &e);

    if (!v)
        fail_msg("%s: %s", text, e.msg);
    return v;
}

/* "key=value; key=value" */
static const char *list_text(struct arena *a, const struct kvs *l)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    for (size_t i = 0; i < l->n; i++)
        str_addf(&s, "%s%s=%s", i ? "; " : "", l->v[i].key, l->v[i].value);
    return arena_strndup(a, str_text(&s), s.len);
}

static const char *body_fields(struct arena *a, const char *text)
{
    json_auto_t *v = json(a, text);
    struct kvs l = engine_fields_of_body(v, a);

    return list_text(a, &l);
}

static const char *host_fields(struct arena *a, const char *text)
{
    return body_fields(a, arena_printf(a, "{'HostConfig':{%s}}", text));
}

struct spelling {
    const char *json, *fields;
};

static void spellings_of_the_configuration(void **state)
{
    static const struct spelling cases[] = {
        {"{}", ""},
        {"{'Cmd':['sh','-c','x y']}", "command=[\"sh\",\"-c\",\"x y\"]"},
        {"{'Cmd':[],'Entrypoint':null}", ""},
        {"{'Entrypoint':['']}", "entrypoint=[]"},
        {"{'Env':['B=2','A=1=x','C=','A=last','D']}",
         "environment.A=last; environment.B=2; environment.C=; environment.D="},
        {"{'Labels':{'b':'','a':'x','evenkeel.hash':'1','evenkeel.origin':'o','evenkeel.revision':'"
         "r',"
         "'evenkeel.commit':'c','com.docker.compose.config-hash':'h',"
         "'com.docker.compose.project.config_files':'f','evenkeel.app':'x'}}",
         "labels.a=x; labels.b=; labels.evenkeel.app=x"},
        {"{'User':'','WorkingDir':'/srv//'}", "working_dir=/srv"},
        {"{'WorkingDir':'/'}", "working_dir=/"},
        {"{'Healthcheck':{'Test':['NONE'],'Interval':90000000000,'Timeout':1500000000,'StartPeriod'"
         ":1000001,"
         "'StartInterval':0,'Retries':3}}",
         "healthcheck.interval=1m30s; healthcheck.retries=3; healthcheck.start_period=1000001ns; "
         "healthcheck.test=[\"NONE\"]; healthcheck.timeout=1500ms"},
        {"{'Tty':true,'OpenStdin':false}", "tty=true"},
        {"{'StopTimeout':0,'StopSignal':'SIGINT'}", "stop_grace_period=0s; stop_signal=SIGINT"},
        {"{'ExposedPorts':{'80/tcp':{},'53/udp':{}}}", "expose.53/udp=yes; expose.80/tcp=yes"},
        {"{'MacAddress':'02-42-AC-11-00-63'}", "mac_address=02:42:ac:11:00:63"},
        {"{'Hostname':'web','NetworkingConfig':{'EndpointsConfig':{'n':{'Aliases':['web','b','a','"
         "b'],"
         "'IPAMConfig':{'IPv4Address':'10.0.0.2','IPv6Address':'fd00::2'}},'host':{},'m':null}}}",
         "hostname=web; networks.m=attached; networks.n=alias a, alias b, address 10.0.0.2, "
         "address fd00::2"},
        {"{'NetworkingConfig':{'EndpointsConfig':{'n':{'Links':['d:e','b-1:db'],'DriverOpts':{'k':'"
         "v'},"
         "'IPAMConfig':{'LinkLocalIPs':['169.254.1.1']}},'m':{'Links':null,'DriverOpts':null}}}}",
         "networks.m=attached; networks.n=address 169.254.1.1, link b-1:db, link d:e, option k=v"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(body_fields(*state, cases[i].json), cases[i].fields);
}

static void spellings_of_the_host_configuration(void **state)
{
    static const struct spelling cases[] = {
        {"'Memory':536870912,'MemorySwap':536870912", "mem_limit=512M; memswap_limit=512M"},
        {"'Memory':536870912,'MemorySwap':1073741824", "mem_limit=512M; memswap_limit=1G"},
        {"'Memory':536870913,'MemorySwap':-1", "mem_limit=536870913; memswap_limit=unlimited"},
        {"'Memory':0,'MemorySwap':0,'ShmSize':0", ""},
        {"'MemoryReservation':1024,'ShmSize':1073741824", "mem_reservation=1K; shm_size=1G"},
        {"'NanoCpus':1250000000", "cpus=1.25"},
        {"'NanoCpus':2000000000", "cpus=2"},
        {"'NanoCpus':10000000", "cpus=0.01"},
        {"'CpuShares':512,'CpusetCpus':'0-1','CpuQuota':-1", "cpu_shares=512; cpuset=0-1"},
        {"'PidsLimit':100", "pids_limit=100"},
        {"'PidsLimit':-1", ""},
        {"'PidsLimit':null", ""},
        {"'Init':false,'OomKillDisable':false,'Privileged':true", "init=false; privileged=true"},
        {"'CapAdd':['net_admin','CAP_KILL','KILL']", "cap_add.KILL=yes; cap_add.NET_ADMIN=yes"},
        {"'SecurityOpt':['no-new-privileges','label:disable','seccomp=unconfined']",
         "security_opt.label=disable=yes; security_opt.no-new-privileges=true=yes; "
         "security_opt.seccomp=unconfined=yes"},
        {"'PidMode':'host','SecurityOpt':['label=disable']", "pid=host"},
        {"'RestartPolicy':{'Name':'on-failure','MaximumRetryCount':3}", "restart=on-failure:3"},
        {"'RestartPolicy':{'Name':'always','MaximumRetryCount':3}", "restart=always"},
        {"'RestartPolicy':{'Name':''}", ""},
        {"'LogConfig':{'Type':'json-file','Config':{'max-size':'10m'}}",
         "logging.driver=json-file; logging.options.max-size=10m"},
        {"'Ulimits':[{'Name':'nofile','Soft':1,'Hard':2},{'Name':'core','Soft':0,'Hard':-1}]",
         "ulimits.core=0:-1; ulimits.nofile=1:2"},
        {"'Devices':[{'PathOnHost':'/dev/a','PathInContainer':'/dev/b','CgroupPermissions':''},"
         "{'PathOnHost':'/dev/c','CgroupPermissions':'r'}]",
         "devices./dev/b=/dev/a rwm; devices./dev/c=/dev/c r"},
        {"'ExtraHosts':['b:2.2.2.2','a:1.1.1.1','b:1.1.1.1','bb:3.3.3.3','six:::1','eq=4.4.4.4']",
         "extra_hosts.a=1.1.1.1; extra_hosts.b=1.1.1.1,2.2.2.2; extra_hosts.bb=3.3.3.3; "
         "extra_hosts.eq=4.4.4.4; extra_hosts.six=::1"},
        {"'Dns':['2.2.2.2','1.1.1.1'],'DnsSearch':[]", "dns=[\"2.2.2.2\",\"1.1.1.1\"]"},
        {"'GroupAdd':['b','a']", "group_add.a=yes; group_add.b=yes"},
        {"'Sysctls':{'a.b':'1'},'Annotations':{'x':'y'}", "annotations.x=y; sysctls.a.b=1"},
        {"'NetworkMode':'default'", "network_mode=bridge"},
        {"'DeviceRequests':[{'Count':-1}]", "gpus=[{\"Count\":-1}]"},
        {"'PortBindings':{'80/tcp':[{'HostPort':'81'},{'HostIp':'0.0.0.0','HostPort':'80'},"
         "{'HostIp':'::1','HostPort':'80'}],'53/udp':[{'HostIp':'','HostPort':''}],'1/tcp':null}",
         "ports.53/udp=any; ports.80/tcp=80, 81, [::1]:80"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(host_fields(*state, cases[i].json), cases[i].fields);
}

static void spellings_of_mounts(void **state)
{
    static const struct spelling cases[] = {
        {"'Binds':['/a/:/x/','/b:/y:ro,rslave','data:/z:rw,z','/anonymous']",
         "volumes./anonymous=volume; volumes./x=bind /a; volumes./y=bind /b, ro, rslave; "
         "volumes./z=volume data"},
        {"'Mounts':[{'Type':'bind','Source':'/a','Target':'/"
         "x','BindOptions':{'Propagation':'rprivate'}},"
         "{'Type':'volume','Source':'data','Target':'/"
         "y','ReadOnly':true,'VolumeOptions':{'NoCopy':true,"
         "'Subpath':'p'}},{'Type':'volume','Target':'/z'},{'Type':'tmpfs','Target':'/t',"
         "'TmpfsOptions':{'SizeBytes':1048576,'Mode':448}}]",
         "volumes./t=tmpfs, mode=700, size=1048576; volumes./x=bind /a; "
         "volumes./y=volume data, nocopy, ro, subpath=p; volumes./z=volume"},
        {"'Tmpfs':{'/t':'size=1m,mode=0700','/u':''}",
         "volumes./t=tmpfs, mode=700, size=1048576; volumes./u=tmpfs"},
        {"'Tmpfs':{'/t':'size=50%,mode=u+x,exec'}", "volumes./t=tmpfs, exec, mode=u+x, size=50%"},
        {"'Binds':['/a:/x'],'Mounts':[{'Type':'bind','Source':'/b','Target':'/x'}]",
         "volumes./x=bind /b"},
        {"'Binds':['',':',':::',7],'Mounts':[7,null,{}]", "volumes.="},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = host_fields(*state, cases[i].json);

        assert_string_equal(got, cases[i].fields);
    }
}

/* ---- an inspect reply ---- */

static void inspect_leaves_out_defaults_and_names_nobody_gave(void **state)
{
    static const char text[] =
        "{'Id':'0123456789abcdef','Config':{'Hostname':'0123456789ab','StopTimeout':10,'StopSignal'"
        ":'SIGTERM',"
        "'Volumes':{'/data/"
        "':{}}},'HostConfig':{'IpcMode':'private','Runtime':'runc','ShmSize':67108864,"
        "'RestartPolicy':{'Name':'no'},'NetworkMode':'bridge','LogConfig':{'Type':'json-file','"
        "Config':{}},"
        "'Binds':['/a:/"
        "data']},'NetworkSettings':{'Networks':{'n':{'Aliases':['web','0123456789ab']}}},"
        "'Mounts':[{'Type':'volume','Name':'made-up','Destination':'/data'}]}";
    json_auto_t *v = json(*state, text);
    struct kvs l = engine_fields_of_inspect(v, *state);

    assert_string_equal(list_text(*state, &l), "networks.n=alias web; volumes./data=bind /a");
}

static void image_gives_only_what_images_can(void **state)
{
    json_auto_t *v =
        json(*state, "{'Config':{'Env':['A=1'],'Tty':true,'Hostname':'h','Domainname':'d',"
                     "'Volumes':{'/data':{}},'ExposedPorts':{'80/tcp':{}},'User':'u'},"
                     "'HostConfig':{'Memory':1}}");
    struct kvs l = engine_fields_of_image(v, *state);

    assert_string_equal(list_text(*state, &l),
                        "environment.A=1; expose.80/tcp=yes; user=u; volumes./data=volume");
}

/* ---- comparing ---- */

struct comparison {
    const char *body, *image, *inspect;
    const char *found; /* "key: want -> have; ..." */
};

static const char *found_text(struct arena *a, const struct field_difference *d, size_t n)
{
    CLEANUP(str_release) struct str s = STR_INIT;

    for (size_t i = 0; i < n; i++)
        str_addf(&s, "%s%s: %s -> %s", i ? "; " : "", d[i].key, d[i].want ? d[i].want : "-",
                 d[i].have ? d[i].have : "-");
    return arena_strndup(a, str_text(&s), s.len);
}

static const char *compare(struct arena *a, const struct comparison *c)
{
    json_auto_t *body = json(a, c->body), *image = json(a, c->image),
                *inspect = json(a, c->inspect);
    struct kvs want = engine_fields_of_body(body, a), from = engine_fields_of_image(image, a);
    struct kvs have = engine_fields_of_inspect(inspect, a);
    struct field_difference *found = NULL;
    size_t n = engine_fields_differ(&want, &from, &have, a, &found);

    return found_text(a, found, n);
}

static void what_is_no_difference(void **state)
{
    static const struct comparison cases[] = {
        /* defaults, said or not */
        {"{'StopSignal':'SIGTERM','HostConfig':{'RestartPolicy':{'Name':'no'},'NetworkMode':'"
         "default'}}",
         "{}", "{'HostConfig':{'NetworkMode':'bridge'}}", ""},
        {"{'HostConfig':{'IpcMode':'private','ShmSize':67108864,'Runtime':'runc'}}", "{}",
         "{'HostConfig':{'IpcMode':'private','ShmSize':67108864,'Runtime':'runc'}}", ""},
        /* what the image brings along */
        {"{'Env':['A=body']}",
         "{'Config':{'Env':['A=image','B=image'],'Labels':{'l':'1'},'User':'u'}}",
         "{'Config':{'Env':['A=body','B=image'],'Labels':{'l':'1'},'User':'u'}}", ""},
        {"{'Entrypoint':['x']}", "{'Config':{'Entrypoint':['e'],'Cmd':['c']}}",
         "{'Config':{'Entrypoint':['x']}}", ""},
        {"{'Entrypoint':[''],'Cmd':['y']}", "{'Config':{'Entrypoint':['e'],'Cmd':['c']}}",
         "{'Config':{'Entrypoint':null,'Cmd':['y']}}", ""},
        {"{'Healthcheck':{'Interval':5000000000}}",
         "{'Config':{'Healthcheck':{'Test':['CMD','x'],'Interval':1000000000}}}",
         "{'Config':{'Healthcheck':{'Test':['CMD','x'],'Interval':5000000000}}}", ""},
        {"{'StopSignal':'SIGTERM'}", "{'Config':{'StopSignal':'SIGQUIT'}}",
         "{'Config':{'StopSignal':'SIGTERM'}}", ""},
        /* what the daemon's configuration decides */
        {"{'HostConfig':{'LogConfig':{'Type':'json-file','Config':{'max-size':'1m'}}}}", "{}",
         "{'HostConfig':{'LogConfig':{'Type':'json-file','Config':{'max-size':'1m','labels':'x'}},"
         "'Ulimits':[{'Name':'nofile','Soft':1,'Hard':2}],'ShmSize':1048576,'IpcMode':'shareable',"
         "'Runtime':'crun','CgroupnsMode':'host'},'Config':{'Hostname':'host-1'}}",
         ""},
        /* what the kernel cannot do, or the engine is too old for */
        {"{'HostConfig':{'Memory':1048576,'MemorySwap':1048576,'MemoryReservation':1024,'CpuShares'"
         ":2,"
         "'OomKillDisable':true,'Annotations':{'a':'b'}}}",
         "{}", "{'HostConfig':{'Memory':1048576,'MemorySwap':-1}}", ""},
        /* namespaces of another container, by name and by id */
        {"{'HostConfig':{'NetworkMode':'container:vpn','PidMode':'container:vpn','IpcMode':'"
         "container:vpn'}}",
         "{}",
         "{'HostConfig':{'NetworkMode':'container:77','PidMode':'container:77','IpcMode':'"
         "container:77'}}",
         ""},
        /* swap that nobody asks for is twice the memory; without a limit of memory there is none of swap */
        {"{'HostConfig':{'Memory':1048576}}", "{}",
         "{'HostConfig':{'Memory':1048576,'MemorySwap':2097152}}", ""},
        {"{}", "{}", "{'HostConfig':{'MemorySwap':-1}}", ""},
        {"{'HostConfig':{'MemorySwap':-1}}", "{}", "{'HostConfig':{'MemorySwap':-1}}", ""},
        /* addresses come back in their shortest spelling */
        {"{'HostConfig':{'Dns':['2001:DB8::0010'],'PortBindings':{'80/tcp':[{'HostIp':'0:0::1',"
         "'HostPort':'80'}]}},'NetworkingConfig':{'EndpointsConfig':{'a':{'IPAMConfig':{"
         "'IPv6Address':'2001:DB8::0010','LinkLocalIPs':['FE80::1']}}}}}",
         "{}",
         "{'HostConfig':{'Dns':['2001:db8::10'],'PortBindings':{'80/tcp':[{'HostIp':'::1',"
         "'HostPort':'80'}]}},'NetworkSettings':{'Networks':{'a':{'IPAMConfig':{'IPv6Address':"
         "'2001:db8::10','LinkLocalIPs':['fe80::1']}}}}}",
         ""},
        /* sysctls of eth0 go into an option of the first network */
        {"{'HostConfig':{'NetworkMode':'a','Sysctls':{'net.ipv4.conf.eth0.rp_filter':'2',"
         "'net.ipv6.conf.eth0.mtu':'1400','net.core.somaxconn':'9'}},'NetworkingConfig':{"
         "'EndpointsConfig':{'a':{},'b':{}}}}",
         "{}",
         "{'HostConfig':{'NetworkMode':'a','Sysctls':{'net.core.somaxconn':'9'}},"
         "'NetworkSettings':{'Networks':{'a':{'DriverOpts':{'com.docker.network.endpoint.sysctls':"
         "'net.ipv4.conf.IFNAME.rp_filter=2,net.ipv6.conf.IFNAME.mtu=1400'}},'b':{}}}}",
         ""},
        /* a profile is what is in it */
        {"{'HostConfig':{'SecurityOpt':['seccomp={\\\"defaultAction\\\":\\\"A\\\",\\\"syscalls\\\":"
         "[]}']}}",
         "{}",
         "{'HostConfig':{'SecurityOpt':['seccomp={ \\\"syscalls\\\":[],  "
         "\\\"defaultAction\\\":\\\"A\\\" }']}}",
         ""},
        /* attachments beyond the body's are the planner's */
        {"{'NetworkingConfig':{'EndpointsConfig':{'a':{}}}}", "{}",
         "{'NetworkSettings':{'Networks':{'a':{},'b':{}}}}", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(compare(*state, &cases[i]), cases[i].found);
}

static void what_is_a_difference(void **state)
{
    static const struct comparison cases[] = {
        {"{'HostConfig':{'Memory':1048576}}", "{}", "{'HostConfig':{'Memory':2097152}}",
         "mem_limit: 1M -> 2M"},
        {"{}", "{}", "{'HostConfig':{'Memory':2097152}}", "mem_limit: - -> 2M"},
        {"{'HostConfig':{'Memory':1048576,'MemorySwap':1048576}}", "{}",
         "{'HostConfig':{'Memory':524288,'MemorySwap':1048576}}", "mem_limit: 1M -> 512K"},
        {"{'HostConfig':{'Memory':1048576,'MemorySwap':1048576}}", "{}",
         "{'HostConfig':{'Memory':1048576,'MemorySwap':2097152}}", "memswap_limit: 1M -> 2M"},
        {"{'HostConfig':{'Memory':1048576}}", "{}",
         "{'HostConfig':{'Memory':1048576,'MemorySwap':4194304}}", "memswap_limit: - -> 4M"},
        {"{'HostConfig':{'NetworkMode':'a','Sysctls':{'net.ipv4.conf.eth0.rp_filter':'2'}}}", "{}",
         "{'HostConfig':{'NetworkMode':'a'},'NetworkSettings':{'Networks':{'a':{'DriverOpts':{"
         "'com.docker.network.endpoint.sysctls':'net.ipv4.conf.IFNAME.rp_filter=1'}}}}}",
         "sysctls.net.ipv4.conf.eth0.rp_filter: 2 -> 1"},
        {"{'HostConfig':{'PidsLimit':100}}", "{}", "{'HostConfig':{'PidsLimit':null}}",
         "pids_limit: 100 -> -"},
        {"{'HostConfig':{'SecurityOpt':['seccomp={\\\"defaultAction\\\":\\\"A\\\"}']}}", "{}",
         "{'HostConfig':{'SecurityOpt':['seccomp={\\\"defaultAction\\\":\\\"B\\\"}']}}",
         "security_opt.seccomp=profile 9c35d4f555dc: - -> yes; "
         "security_opt.seccomp=profile f708c20ebf71: yes -> -"},
        {"{}", "{}", "{'HostConfig':{'RestartPolicy':{'Name':'always'}}}", "restart: - -> always"},
        {"{'HostConfig':{'RestartPolicy':{'Name':'always'}}}", "{}",
         "{'HostConfig':{'RestartPolicy':{'Name':'no'}}}", "restart: always -> -"},
        {"{'Env':['A=1']}", "{'Config':{'Env':['B=image']}}", "{'Config':{'Env':['A=2','C=3']}}",
         "environment.A: 1 -> 2; environment.B: image -> -; environment.C: - -> 3"},
        {"{'Entrypoint':['x']}", "{'Config':{'Cmd':['c']}}",
         "{'Config':{'Entrypoint':['x'],'Cmd':['c']}}", "command: - -> [\"c\"]"},
        {"{'HostConfig':{'IpcMode':'private'}}", "{}", "{'HostConfig':{'IpcMode':'host'}}",
         "ipc: private -> host"},
        {"{'HostConfig':{'ShmSize':67108864}}", "{}", "{'HostConfig':{'ShmSize':1048576}}",
         "shm_size: 64M -> 1M"},
        {"{'HostConfig':{'Ulimits':[{'Name':'core','Soft':0,'Hard':0}]}}", "{}", "{}",
         "ulimits.core: 0:0 -> -"},
        {"{'HostConfig':{'LogConfig':{'Type':'json-file','Config':{'max-size':'1m'}}}}", "{}",
         "{'HostConfig':{'LogConfig':{'Type':'json-file'}}}", "logging.options.max-size: 1m -> -"},
        {"{'HostConfig':{'NetworkMode':'container:vpn'}}", "{}",
         "{'HostConfig':{'NetworkMode':'host'}}", "network_mode: container:vpn -> host"},
        {"{'NetworkingConfig':{'EndpointsConfig':{'a':{'Aliases':['x']}}}}", "{}",
         "{'NetworkSettings':{'Networks':{'a':{'Aliases':['y']}}}}",
         "networks.a: alias x -> alias y"},
        {"{'HostConfig':{'CapDrop':['ALL'],'SecurityOpt':['no-new-privileges']}}", "{}",
         "{'HostConfig':{'Privileged':true}}",
         "cap_drop.ALL: yes -> -; privileged: - -> true; security_opt.no-new-privileges=true: yes "
         "-> -"},
        {"{}", "{'Config':{'Volumes':{'/data':{}}}}", "{'HostConfig':{'Binds':['/a:/data']}}",
         "volumes./data: volume -> bind /a"},
        {"{}", "{}", "{'HostConfig':{'CpuQuota':50000,'AutoRemove':true,'PublishAllPorts':true}}",
         "auto_remove: - -> true; cpu_quota: - -> 50000; publish_all_ports: - -> true"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(compare(*state, &cases[i]), cases[i].found);
}

static void difference_of_what_another_version_wrote(void **state)
{
    struct kvs want = {0}, image = {0}, have = {0};
    struct field_difference *found = NULL;

    kvs_set(*state, &have, "unheard_of", "1");
    size_t n = engine_fields_differ(&want, &image, &have, *state, &found);

    assert_string_equal(found_text(*state, found, n), "unheard_of: - -> 1");
    assert_int_equal(engine_fields_differ(&want, &image, &image, *state, &found), 0);
}

/* ---- secrets, and what can be changed in place ---- */

static void secrets(void **state)
{
    static const char *const secret[] = {"environment.DB_PASSWORD",
                                         "environment.PGPASSWORD",
                                         "environment.API_KEY",
                                         "environment.APIKEY",
                                         "environment.token",
                                         "environment.GITHUB_TOKEN",
                                         "environment.MY_SECRET_1",
                                         "environment.DATABASE_URL",
                                         "environment.REDIS_URI",
                                         "environment.SENTRY_DSN",
                                         "environment.SMTP_PASS",
                                         "environment.AWS_SECRET_ACCESS_KEY",
                                         "environment.CREDENTIALS",
                                         "logging.options.splunk-token",
                                         "labels.traefik.http.middlewares.a.basicauth.users",
                                         "environment.BASIC_AUTH"};
    static const char *const plain[] = {"environment.TZ",
                                        "environment.PATH",
                                        "environment.KEYBOARD",
                                        "environment.AUTHOR",
                                        "environment.COMPASS",
                                        "environment.PASSAGE",
                                        "labels.org.example.note",
                                        "logging.options.max-size",
                                        "mem_limit",
                                        "volumes./secrets",
                                        "environment",
                                        "environment.",
                                        "secret",
                                        ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(secret); i++)
        if (!engine_field_secret(secret[i]))
            fail_msg("%s is not secret", secret[i]);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        if (engine_field_secret(plain[i]))
            fail_msg("%s is secret", plain[i]);
}

static void live_fields(void **state)
{
    (void)state;
    assert_true(engine_field_live("mem_limit"));
    assert_true(engine_field_live("networks.blog_default"));
    assert_true(engine_field_live("restart"));
    assert_false(engine_field_live("environment.TZ"));
    assert_false(engine_field_live("mem_limits"));
    assert_false(engine_field_live(""));
}

/* ---- damage ---- */

static void mistyped_members_say_nothing(void **state)
{
    static const char *const members[] = {
        "Cmd",        "Entrypoint",  "Env",        "Labels",           "User",
        "WorkingDir", "Healthcheck", "Tty",        "StopTimeout",      "ExposedPorts",
        "MacAddress", "Volumes",     "HostConfig", "NetworkingConfig", "Hostname"};
    static const char *const hosts[] = {
        "Binds",          "Mounts",  "Tmpfs",       "PortBindings", "RestartPolicy", "LogConfig",
        "Ulimits",        "Devices", "CapAdd",      "SecurityOpt",  "ExtraHosts",    "Dns",
        "Sysctls",        "Memory",  "MemorySwap",  "NanoCpus",     "PidsLimit",     "Init",
        "DeviceRequests", "IpcMode", "NetworkMode", "GroupAdd"};
    static const char *const values[] = {"null",
                                         "true",
                                         "-1.5",
                                         "'x'",
                                         "[]",
                                         "{}",
                                         "[null]",
                                         "[7]",
                                         "[{}]",
                                         "[[]]",
                                         "{'x':7}",
                                         "{'x':null}",
                                         "{'x':[]}",
                                         "{'x':[7]}",
                                         "{'x':{}}",
                                         "9223372036854775807",
                                         "-9223372036854775808"};

    for (size_t k = 0; k < ARRAY_LEN(values); k++) {
        for (size_t i = 0; i < ARRAY_LEN(members); i++)
            (void)body_fields(*state, arena_printf(*state, "{'%s':%s}", members[i], values[k]));
        for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
            (void)host_fields(*state, arena_printf(*state, "'%s':%s", hosts[i], values[k]));
        (void)body_fields(*state, values[k]);
    }
    struct kvs l = engine_fields_of_inspect(NULL, *state);

    assert_int_equal(l.n, 0);
}

/* Each row says how it is compared, and its name is one that `drift: {ignore: [...]}` takes. */
static void rows_are_told_and_can_be_ignored(void **state)
{
    CLEANUP(str_release) struct str table = STR_INIT, spec = STR_INIT;
    struct spec_file file = {0};

    engine_fields_doc(&table);
    str_add(&spec, "app: blog\nimage: nginx:1\ndrift: {ignore: [state");
    for (size_t i = 0; engine_field_row(i); i++) {
        const char *name = engine_field_row(i)->name;

        const char *first = arena_printf(*state, "| `%s` | ", name);
        const char *line = strstr(str_text(&table), first);

        assert_non_null(line);
        assert_int_not_equal(strstr(line + strlen(first), " | ")[3], ' ');
        str_addf(&spec, ", %s", name);
    }
    str_add(&spec, "]}\n");
    document_parse("/r", "x.yaml", "r/x.yaml", "/r", str_text(&spec), spec.len, NULL, *state,
                   &file);
    assert_int_equal(file.diags.n, 0);
    assert_true(file.n_documents == 1 && file.documents[0].ok);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spellings_of_the_configuration),
        TEST(spellings_of_the_host_configuration),
        TEST(spellings_of_mounts),
        TEST(inspect_leaves_out_defaults_and_names_nobody_gave),
        TEST(image_gives_only_what_images_can),
        TEST(what_is_no_difference),
        TEST(what_is_a_difference),
        TEST(difference_of_what_another_version_wrote),
        TEST(secrets),
        TEST(live_fields),
        TEST(mistyped_members_say_nothing),
        TEST(rows_are_told_and_can_be_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
