#!/usr/bin/env python3
"""random_specs.py SEED APP SERVICES [FIELD...]: prints one app of random services over all fields that a service has but these, as JSON (which is YAML).

The same arguments give the same app. Every value is one that the usual engine takes and a container survives."""
import json
import random
import sys

seed, app, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
r = random.Random(f"{seed}/{app}")
SLEEP = ["sleep", "100000"]
DAY = "1d"

# field -> function that gives a value
FIELDS = {
    "environment": lambda: r.choice([{"TZ": "UTC"}, {"A": "x=y", "EMPTY": "", "B": "image"}, ["A=1", "PATH=/bin:/usr/bin"]]),
    "labels": lambda: r.choice([{"a.b": "c"}, {"both": "spec", "empty": ""}, ["x=y"]]),
    "user": lambda: r.choice(["0", "1000", "1000:1000", "0:0"]),
    "working_dir": lambda: r.choice(["/", "/tmp", "/tmp/", "/made/here"]),
    "hostname": lambda: r.choice(["host-1", "h.example.org"]),
    "domainname": lambda: "example.org",
    "cap_add": lambda: r.sample(["NET_ADMIN", "SYS_TIME", "cap_chown", "KILL"], r.randint(1, 3)),
    "cap_drop": lambda: r.sample(["MKNOD", "SETFCAP", "AUDIT_WRITE"], r.randint(1, 2)),
    "read_only": lambda: r.choice([True, False]),
    "init": lambda: r.choice([True, False]),
    "tty": lambda: r.choice([True, False]),
    "stdin_open": lambda: r.choice([True, False]),
    "expose": lambda: r.choice([["80"], ["81/udp", "9000-9002"], [8080]]),
    "ports": lambda: r.choice([["80"], ["127.0.0.1::81"], [{"target": 82, "protocol": "udp"}], ["80", "443"]]),
    "healthcheck": lambda: r.choice([{"disable": True}, {"test": ["CMD", "true"], "interval": "1s"},
                                     {"test": "true", "interval": "1s", "timeout": "3s", "retries": 5, "start_period": "2s"}]),
    "stop_signal": lambda: r.choice(["SIGKILL", "SIGTERM", "SIGQUIT"]),
    "stop_grace_period": lambda: r.choice(["0s", "1s", "10s", "1500ms"]),
    "restart": lambda: r.choice(["no", "always", "unless-stopped", "on-failure", "on-failure:3"]),
    "mem_limit": lambda: r.choice(["64m", "128m", "1g", 100000000]),
    "mem_reservation": lambda: r.choice(["32m", "48m"]),
    "cpus": lambda: r.choice([0.25, 1, "0.5", 0.001 * 333]),
    "cpu_shares": lambda: r.choice([2, 512, 1024, 2048]),
    "cpuset": lambda: "0",
    "pids_limit": lambda: r.choice([50, 200, -1]),
    "oom_score_adj": lambda: r.choice([0, 100, 500]),
    "shm_size": lambda: r.choice(["32m", "64m", "1g"]),
    "ulimits": lambda: r.choice([{"nofile": 1024}, {"nofile": {"soft": 512, "hard": 1024}, "nproc": 300}]),
    "sysctls": lambda: r.choice([{"net.core.somaxconn": 512}, {"net.ipv4.ip_unprivileged_port_start": "0"}]),
    "dns": lambda: r.choice([["10.1.1.1"], ["10.1.1.2", "10.1.1.1"]]),
    "dns_search": lambda: r.choice([["b.example", "a.example"], "example.org"]),
    "dns_opt": lambda: ["ndots:2", "timeout:1"],
    "extra_hosts": lambda: r.choice([["db:10.0.0.1"], {"db": "10.0.0.2", "a": "10.0.0.1"}, ["db:10.0.0.3", "db:10.0.0.1"]]),
    "group_add": lambda: r.sample(["1", "33", "44"], 2),
    "security": lambda: r.choice([{"profile": "hardened"}, {"profile": "service"}, {"profile": "docker"}]),
    "security_opt": lambda: r.choice([["seccomp=unconfined"], ["seccomp:unconfined", "no-new-privileges:true"]]),
    "privileged": lambda: r.random() < 0.2,
    "logging": lambda: r.choice([{"driver": "none"}, {"driver": "local"}, {"driver": "json-file", "options": {"max-size": "1m", "labels": "a"}}]),
    "ipc": lambda: r.choice(["private", "shareable", "host", "none"]),
    "pid": lambda: "host",
    "uts": lambda: "host",
    "runtime": lambda: "runc",
    "tmpfs": lambda: r.choice(["/scratch", ["/scratch:size=1m,mode=1777", "/more:noexec"]]),
    "volumes": lambda: r.choice([["data:/data"], ["data:/data:ro", "/anonymous"], ["/usr:/host/:ro"], [{"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1m"}}],
                                 [{"type": "volume", "source": "data", "target": "/d//e/", "volume": {"nocopy": True}}], ["/usr/:/host/usr:ro,rprivate"]]),
    "devices": lambda: r.choice([["/dev/null:/dev/nothing"], ["/dev/zero:/dev/nil:r", "/dev/null"]]),
    "device_cgroup_rules": lambda: ["c 1:3 mr", "a 7:* rmw"],
    "networks": lambda: r.choice([["front"], {"front": {"aliases": ["www", "a.example"]}}, {"back": {"aliases": ["x"]}, "front": {}}, ["back", "front"]]),
    "network_mode": lambda: r.choice(["none", "host", "bridge"]),
    "mac_address": lambda: "02:42:AC:11:00:%02X" % r.randint(16, 99),
    "annotations": lambda: {"org.example.a": "1"},
}
for name in sys.argv[4:]:
    del FIELDS[name]
# what cannot stand beside what
WITHOUT = [("network_mode", ["networks", "ports", "hostname", "domainname", "sysctls", "dns", "dns_search", "dns_opt", "extra_hosts", "mac_address", "uts", "expose"]),
           ("uts", ["hostname", "domainname", "sysctls"]), ("pid", ["init"]), ("privileged", ["cap_drop", "devices"]),
           ("ipc", ["shm_size"])]


def service():
    s = {"image": r.choice(["busybox:stable", "busybox:stable", "evenkeel-test/rich:1"])}
    if r.random() < 0.6 or s["image"].startswith("busybox"):
        s["command"] = r.choice([SLEEP, "sleep 100000"]) if s["image"].startswith("busybox") else ["sleep 100001"]
    if r.random() < 0.15:
        s["entrypoint"], s["command"] = r.choice([["sleep"], ["/bin/busybox", "sleep"]]), ["100000"]
    for name in r.sample(sorted(FIELDS), r.randint(1, 9)):
        s[name] = FIELDS[name]()
    for one, others in WITHOUT:
        if s.get(one):
            for other in others:
                s.pop(other, None)
    if "mem_limit" not in s:
        s.pop("mem_reservation", None)
    s.setdefault("network_mode", "none") if not {"networks", "ports", "hostname", "domainname", "sysctls", "dns", "dns_search", "dns_opt", "extra_hosts",
                                                  "mac_address", "uts", "expose"} & set(s) and r.random() < 0.7 else None
    s["stop_signal"] = s.get("stop_signal", "SIGKILL")
    return s


services = {f"s{i}": service() for i in range(count)}
text = json.dumps(services)
out = {"app": app, "services": services}
if '"data' in text:
    out["volumes"] = {"data": {}}
nets = {n: {} for n in ("front", "back") if any(n in s.get("networks", []) for s in services.values())}
if nets:
    out["networks"] = nets
print(json.dumps(out, indent=1))
