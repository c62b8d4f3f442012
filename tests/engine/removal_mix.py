#!/usr/bin/env python3
"""Random mixes of own and foreign objects under random operations on files, roots, names and the engine; after each step the agents run (once, cut
short, for one app, or for a while), and then: what is not the agent's own is as it was, no volume is lost, and of its own only that has gone that may
(removal_model.py says what).

  removal_mix.py --engine SOCKET --evenkeel PROGRAM [--seed N] [--steps N] [--seconds N] [--mounts]

Two agents share the engine; the first has two roots, one of them a mount point with --mounts (run it in a mount namespace of its own then). In the end
all is put in order, and each engine object is what the files say. The same seed does the same; the first line prints it, a failure tells the steps.
Standard library only.
"""
import argparse
import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from campaign_world import Engine, EngineError
from removal_model import Verdicts

IMAGE = "busybox:stable"
NOT_AS_ROOT = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
APPS = [f"mixp{i}" for i in range(7)]


class Wrong(Exception):
    pass


# ---- one agent and its files ----


class Agent:
    def __init__(self, options, work, owner, roots):
        self.options, self.owner = options, owner
        self.state = os.path.join(work, owner + ".state")
        self.places = [os.path.join(work, name) for name in roots]  # where its files are, whatever is configured or mounted
        self.instead = {}  # place -> what is configured instead of it, or None
        self.config = os.path.join(work, owner + ".yaml")
        self.log = os.path.join(work, owner + ".log")
        for place in self.places:
            os.mkdir(place)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("ingress: none\nlisten: none\n")

    @property
    def configured(self):
        roots = [self.instead.get(place, place) for place in self.places]
        return [root for root in roots if root] or [self.state + ".no-root"]  # never the default one

    def command(self, verb, *more, owner=None):
        roots = [word for root in self.configured for word in ("--root", root)]
        return [*self.options.weak, self.options.evenkeel, verb, *roots, "--state", self.state, "--name", owner or self.owner,
                "--docker", "unix://" + self.options.engine, *more]

    def start(self, verb, *more, owner=None):
        with open(self.log, "ab") as log:
            return subprocess.Popen(self.command(verb, *more, owner=owner), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env={**os.environ, "EVENKEEL_CONFIG": self.config})

    def run(self, verb, *more, owner=None):
        """(status, standard output)"""
        done = subprocess.run(self.command(verb, *more, owner=owner), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "EVENKEEL_CONFIG": self.config})
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(f"--- {verb} {' '.join(more)}: {done.returncode}\n{done.stdout}{done.stderr}")
        if done.returncode not in (0, 1, 2):
            raise Wrong(f"{verb} ended with {done.returncode}: {done.stderr[-600:]}")
        return done.returncode, done.stdout

    def held(self):
        """[(hash, [app])] as its plan has it"""
        text = self.run("plan", "--json")[1]
        return [(h["hash"], sorted(h["apps"])) for h in json.loads(text).get("held", [])] if text.startswith("{") else []


def spec(apps):
    """One file that holds these: {app: value}. The last digit of its name says of what kind an app is."""
    text = "# mix: " + " ".join(f"{app}={value}" for app, value in sorted(apps.items())) + "\n"
    for app, value in sorted(apps.items()):
        kind = int(app[-1]) % 4
        common = f'image: {IMAGE}, command: ["sleep", "100000"], stop_signal: SIGKILL, environment: {{V: "{value}"}}'
        text += "---\n" + {
            0: f"app: {app}\nservices: {{app: {{{common}, network_mode: none}}}}\n",
            1: f'app: {app}\nservices: {{app: {{{common}, network_mode: none, volumes: ["data:/data"]}}}}\nvolumes: {{data: {{}}}}\n',
            2: f"app: {app}\nservices: {{app: {{{common}}}}}\n",
            3: f"app: {app}\nservices: {{app: {{{common}, network_mode: none, deploy: {{replicas: 2}}}}}}\n",
        }[kind]
    return text


def put(path, text):
    beside = os.path.join(os.path.dirname(path), ".new")
    with open(beside, "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(beside, path)


# ---- what is on the engine ----


class Sight:
    """Everything there is, as far as a touch would show."""

    def __init__(self, engine):
        self.containers, self.networks, self.volumes = {}, {}, {}
        for listed in engine.call("GET", "/containers/json?all=1"):
            try:
                c = engine.call("GET", f"/containers/{listed['Id']}/json")
            except EngineError:
                continue  # gone meanwhile
            nets = sorted((c["NetworkSettings"]["Networks"] or {}).keys())
            self.containers[c["Id"]] = {"name": c["Name"][1:], "state": c["State"]["Status"], "started": c["State"]["StartedAt"],
                                        "labels": c["Config"]["Labels"] or {}, "networks": nets, "env": c["Config"]["Env"] or []}
        for n in engine.call("GET", "/networks"):
            if n["Name"] not in ("bridge", "host", "none"):
                self.networks[n["Id"]] = {"name": n["Name"], "labels": n["Labels"] or {}}
        for v in engine.call("GET", "/volumes")["Volumes"] or []:
            try:
                with open(os.path.join(v["Mountpoint"], "token"), encoding="utf-8") as file:
                    token = file.read()
            except OSError:
                token = None
            self.volumes[v["Name"]] = {"created": v["CreatedAt"], "labels": v["Labels"] or {}, "token": token, "place": v["Mountpoint"]}

    def owned(self, owner, app=None):
        return {i: c for i, c in self.containers.items()
                if is_of(c, owner) and (app is None or c["labels"]["evenkeel.app"] == app)}

    def origins(self, owner):
        found = {}
        for thing in [*self.containers.values(), *self.networks.values()]:
            if is_of(thing, owner):
                origin = thing["labels"].get("evenkeel.origin")
                found.setdefault(thing["labels"]["evenkeel.app"], set()).update([origin] if origin else [])
        return found

    def foreign(self, owner):
        """All that an agent of this name must not touch."""
        return {"container " + c["name"]: (i, c) for i, c in self.containers.items() if not is_of(c, owner)} | \
               {"network " + n["name"]: (i, n) for i, n in self.networks.items() if not is_of(n, owner)}


def is_of(thing, owner):
    return thing["labels"].get("evenkeel.owner") == owner and "evenkeel.app" in thing["labels"]


# ---- the mix ----


class Mix:
    def __init__(self, options):
        self.options, self.rng = options, random.Random(options.seed)
        self.work = tempfile.mkdtemp(prefix="evk-mix.", dir="/tmp")
        self.engine = Engine(options.engine)
        self.agents = [Agent(options, self.work, "mixa", ["a0", "a1"]), Agent(options, self.work, "mixb", ["b0"])]
        self.story, self.counts = [], {}
        self.covered = {}  # place -> how it is undone
        self.touched = set()  # containers that a hand was laid on since the last run
        self.value, self.purged, self.number = 0, set(), 0

    def tell(self, words):
        self.story.append(words)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    # files

    def visible(self):
        """(agent, root, [names of specs]) of roots that can be written now"""
        for agent in self.agents:
            for place in agent.places:
                if place not in self.covered:
                    yield agent, place, sorted(n for n in os.listdir(place) if n.endswith(".yaml"))

    def any_root(self):
        roots = list(self.visible())
        return self.rng.choice(roots) if roots else None

    def any_file(self):
        files = [(a, r, n) for a, r, names in self.visible() for n in names]
        return self.rng.choice(files) if files else None

    def do_write(self):
        """new, or changed: one app, or two in one file"""
        chosen = self.any_root()
        if not chosen:
            return
        _, place, _ = chosen
        apps = self.rng.sample(APPS, self.rng.choice((1, 1, 1, 2)))
        self.value += 1
        name = f"{apps[0]}.yaml" if len(apps) == 1 else f"both-{apps[0]}.yaml"
        put(os.path.join(place, name), spec({app: self.value for app in apps}))
        self.tell(f"write {place[-2:]}/{name}: {' '.join(apps)}")

    def do_delete(self):
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            chosen = self.any_file()
            if chosen:
                os.unlink(os.path.join(*chosen[1:]))
                self.tell(f"delete {chosen[1][-2:]}/{chosen[2]}")

    def do_spoil(self):
        chosen = self.any_file()
        if not chosen:
            return
        _, place, name = chosen
        path, how = os.path.join(place, name), self.rng.choice(["text", "key", "zeros", "unreadable", "dangling"])
        if how == "unreadable" and (not self.options.weak or not os.path.exists(path)):
            how = "text"
        if how == "unreadable":
            os.chmod(path, 0)
        elif how == "dangling":
            os.unlink(path)
            os.symlink("/nowhere/at/all.yaml", path)
        else:
            put(path, {"text": "# mix: broken\napp: [mix\n", "key": "# mix: broken\napp: mixnone\nimagine: 1\n", "zeros": "\0" * 512, "empty": ""}[how])
        self.tell(f"spoil {place[-2:]}/{name}: {how}")

    def do_move(self):
        """to another name, a folder, or another root of the same agent"""
        chosen = self.any_file()
        if not chosen:
            return
        agent, place, name = chosen
        to = self.rng.choice([p for p in agent.places if p not in self.covered])
        where = os.path.join(to, self.rng.choice(["", "sub"]))
        os.makedirs(where, exist_ok=True)
        target = os.path.join(where, "moved-" + name[-11:])
        os.rename(os.path.join(place, name), target)
        self.tell(f"move {place[-2:]}/{name} to {target[len(self.work):]}")

    # roots

    def do_cover(self):
        chosen = self.any_root()
        if not chosen:
            return
        agent, place, _ = chosen
        aside, how = place + ".aside", self.rng.choice(["away", "emptied", "replaced", "file", "closed", "mounted", "moved", "dropped"])
        if how == "mounted" and not self.options.mounts or how == "closed" and not self.options.weak:
            how = "away"
        if how == "closed":
            os.chmod(place, 0)
            undo = functools.partial(os.chmod, place, 0o755)
        elif how == "mounted":
            subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
            undo = functools.partial(subprocess.run, ["umount", place], check=True)
        elif how == "dropped":
            agent.instead[place] = None
            undo = functools.partial(agent.instead.pop, place)
        elif how == "moved":
            os.rename(place, aside)
            agent.instead[place] = aside
            undo = functools.partial(self.unmove, agent, place, aside)
        else:
            os.rename(place, aside)
            if how == "file":
                put(place, "# mix: broken\napp: [mix\n")
            elif how != "away":
                os.mkdir(place)
            if how == "replaced":
                app = self.rng.choice(APPS)
                put(os.path.join(place, f"{app}.yaml"), spec({app: 0}))
            undo = functools.partial(self.uncover, place, aside)
        self.covered[place] = undo
        self.tell(f"root {place[-2:]}: {how}")
        self.count(how)

    @staticmethod
    def uncover(place, aside):
        if os.path.isdir(place):
            shutil.rmtree(place)
        elif os.path.exists(place):
            os.unlink(place)
        os.rename(aside, place)

    @staticmethod
    def unmove(agent, place, aside):
        os.rename(aside, place)
        del agent.instead[place]

    def do_uncover(self):
        if self.covered:
            place = self.rng.choice(sorted(self.covered))
            self.covered.pop(place)()
            self.tell(f"root {place[-2:]} is back")

    # hands and strangers

    def call(self, method, path, body=None):
        try:
            return self.engine.call(method, path, body, (304, 404, 409))
        except EngineError as problem:
            self.tell(str(problem))
        return None

    def do_hand(self):
        owned = sorted((c["name"], i) for agent in self.agents for i, c in self.look().owned(agent.owner).items()
                       if not c["name"].startswith("mixkept"))
        if not owned:
            return
        name, ident = self.rng.choice(owned)
        method, what = self.rng.choice([("DELETE", "?force=1"), ("POST", "/stop?t=0"), ("POST", "/pause"), ("POST", f"/rename?name=mixf-lost{self.number}")])
        self.number += 1
        self.touched.add(ident)
        self.call(method, f"/containers/{ident}{what}")
        self.tell(f"by hand: {method} {name}{what}")

    def stranger(self, name, labels, **more):
        body = {"Image": IMAGE, "Cmd": ["sleep", "100000"], "StopSignal": "SIGKILL", "Labels": labels, "HostConfig": {"NetworkMode": "none"}, **more}
        self.call("POST", f"/containers/create?name={name}", body)
        self.call("POST", f"/containers/{name}/start")

    def do_stranger(self):
        """containers, networks and volumes of others: the more they look like ours the better"""
        agent, app, n = self.rng.choice(self.agents), self.rng.choice(APPS), self.number
        self.number += 1
        labels = {"evenkeel.owner": "mixelse", "evenkeel.app": app, "evenkeel.service": "app", "evenkeel.index": "1",
                  "evenkeel.origin": f"{agent.places[0]}//{app}.yaml", "evenkeel.hash": "00"}
        kind = self.rng.choice(["plain", "theirs", "compose", "guest", "squatter", "anonymous", "network", "volume", "our volume"])
        if kind in ("plain", "theirs", "compose"):
            self.stranger(f"mixf-{n}", {"plain": {}, "theirs": labels, "compose": {"com.docker.compose.project": f"ek-{app}",
                                                                                   "com.docker.compose.service": "app"}}[kind])
        elif kind == "guest":
            self.stranger(f"mixf-{n}", {}, HostConfig={"NetworkMode": f"{app}_default"})
        elif kind == "squatter":
            self.stranger(f"{app}-app-1", {})
        elif kind == "anonymous":
            self.stranger(f"mixf-{n}", {}, Volumes={"/v": {}})
        elif kind == "our volume":
            self.stranger(f"mixf-{n}", {}, HostConfig={"NetworkMode": "none", "Binds": [f"{app}_data:/theirs"]})
        elif kind == "network":
            self.call("POST", "/networks/create", {"Name": f"mixf-{n}", "Labels": self.rng.choice([{}, labels]),
                                                   "IPAM": {"Config": [{"Subnet": f"10.212.{n % 256}.0/26"}]}})
        else:
            self.call("POST", "/volumes/create", {"Name": f"mixf-{n}", "Labels": self.rng.choice([{}, labels, {"evenkeel.owner": agent.owner}])})
        self.tell(f"a stranger's {kind}: mixf-{n} {app}")
        self.count("stranger's " + kind)

    def do_stranger_leaves(self):
        """by its own owner"""
        names = sorted(c["name"] for c in self.look().containers.values() if not any(is_of(c, a.owner) for a in self.agents))
        names = [n for n in names if not n.startswith("mixkept")]
        if names:
            name = self.rng.choice(names)
            self.call("DELETE", f"/containers/{name}?force=1")
            self.tell(f"the stranger {name} leaves")

    # words

    def do_word(self):
        agent, app = self.rng.choice(self.agents), self.rng.choice(APPS)
        words = self.rng.choice([["stop", app], ["start", app], ["start", app], ["remove", app], ["remove", app, "--volumes"], ["hold", app], ["release", app],
                                 ["volumes", "restore", f"{app}_data"], ["volumes", "purge", f"{app}_data"], ["volumes", "purge", f"{app}_data", "--yes-delete-data"],
                                 ["volumes", "purge", f"mixf-{self.rng.randrange(self.number + 1)}", "--yes-delete-data"], ["gc"]])
        before = self.look()
        status, _ = agent.run(*words)
        if "--yes-delete-data" in words and is_of(before.volumes.get(words[2], {"labels": {}}), agent.owner):
            self.purged.add(words[2])
        self.foreign_untouched(agent.owner, before, self.look())
        self.tell(f"{agent.owner}: {' '.join(words)} -> {status}")

    # runs

    def verdicts(self, agent, sight):
        return Verdicts(agent.configured, agent.state, sight.origins(agent.owner))

    def settle(self, agent, how):
        """One run of one agent between two looks."""
        before = self.look()
        said = self.verdicts(agent, before)
        allowed, only, completes = {a for a, v in said.of.items() if v in ("asked", "goes")}, None, how == "apply"
        owner = None
        if how == "confirm":
            planned = agent.held()
            self.must(sorted(apps for _, apps in planned) == sorted(said.together.values()),
                      f"{agent.owner} holds {planned}, but by its files that would be {said.together}")
            if planned:
                sha, apps = self.rng.choice(planned)
                allowed |= set(apps)
                agent.run("apply", "--confirm-removals", sha)
                self.count("confirmed")
        elif how == "one":
            only = self.rng.choice(APPS)
            agent.run("apply", only)
        elif how == "killed":
            process = agent.start("apply")
            time.sleep(self.rng.uniform(0, 0.4))
            process.kill()
            process.wait()
        elif how == "agent":
            process = agent.start("agent", "--listen", "none")
            time.sleep(self.rng.uniform(0.3, 1.2))
            process.send_signal(self.rng.choice([signal.SIGTERM, signal.SIGKILL]))
            process.wait(30)
        elif how == "renamed":
            owner, allowed = "mixc", set()
            agent.run("apply", owner=owner)
        else:
            agent.run("apply")
        self.tell(f"{agent.owner}: {how}{' ' + only if only else ''}")
        self.count(how)
        after = self.look()
        self.foreign_untouched(owner or agent.owner, before, after)
        self.own_untouched(agent, before, after, said, allowed, only)
        if how not in ("killed", "agent"):
            self.nobody_is_missing(agent, before, after, said, allowed)
        if owner:
            self.must(not after.origins(owner), f"{owner} made something: {after.origins(owner)}")
        if completes:
            self.gone_is_gone(agent, after, said)
        self.touched.clear()

    def look(self):
        return Sight(self.engine)

    @staticmethod
    def must(fine, words):
        if not fine:
            raise Wrong(words)

    def foreign_untouched(self, owner, before, after):
        then, now = before.foreign(owner), after.foreign(owner)
        for name, thing in then.items():
            self.must(name in now, f"{name} of somebody else is gone")
            self.must(now[name] == thing, f"{name} of somebody else was {thing} and is {now[name]}")
        self.must(set(now) <= set(then), f"what is not its own appeared: {set(now) - set(then)}")
        for name in self.purged - set(after.volumes):
            before.volumes.pop(name, None)
            self.purged.discard(name)
        for name, volume in before.volumes.items():
            self.must(name in after.volumes, f"volume {name} is lost")
            self.must(after.volumes[name] == volume, f"volume {name} was {volume} and is {after.volumes[name]}")
        for name, volume in after.volumes.items():  # as its user would
            if volume["token"] is None and os.path.isdir(volume["place"]):
                with open(os.path.join(volume["place"], "token"), "w", encoding="utf-8") as file:
                    file.write(f"{self.options.seed} {name} {len(self.story)}")

    def own_untouched(self, agent, before, after, said, allowed, only):
        for ident, c in before.owned(agent.owner).items():
            app = c["labels"]["evenkeel.app"]
            verdict = said.of[app]
            if only and app != only:
                self.must(after.containers.get(ident) == c, f"{c['name']} was touched by an apply of {only}")
            if verdict in ("frozen", "held") and app not in allowed:
                self.must(after.containers.get(ident) == c, f"{c['name']} is {verdict}, and was {c} and is {after.containers.get(ident)}")
            elif verdict == "wanted" and self.settled(said, app, c) and ident not in self.touched:
                self.must(after.containers.get(ident) == c, f"{c['name']} has not changed, and was {c} and is {after.containers.get(ident)}")

    def nobody_is_missing(self, agent, before, after, said, allowed):
        for app in {c["labels"]["evenkeel.app"] for c in before.owned(agent.owner).values()} - allowed:
            self.must(after.owned(agent.owner, app) or said.of[app] == "wanted" and self.in_the_way(after, agent, app) or
                      {i for i in before.owned(agent.owner, app)} <= self.touched,
                      f"{app} is {said.of[app]} and has no container any more")

    def settled(self, said, app, c):
        """As its file wants it, and not asked to be otherwise."""
        return app not in said.words and [f"V={v}" for v in said.values[app]] == [e for e in c["env"] if e.startswith("V=")] and c["state"] == "running" and \
            c["name"] == f"{app}-app-{c['labels']['evenkeel.index']}"

    def in_the_way(self, sight, agent, app):
        return any(c["name"].startswith(f"{app}-app-") and not is_of(c, agent.owner) for c in sight.containers.values())

    def gone_is_gone(self, agent, after, said):
        for app, verdict in said.of.items():
            if verdict in ("goes", "asked") and "until" not in said.words.get(app, "") and "hold" not in said.words.get(app, ""):
                self.must(not after.owned(agent.owner, app), f"{app} may go and is still there")

    # ---- from the beginning to the end ----

    def begin(self):
        """Some apps, and strangers that stay: one that calls itself ours but for where it comes from."""
        lost = {"evenkeel.owner": "mixa", "evenkeel.app": "mixkept1", "evenkeel.service": "app", "evenkeel.index": "1"}
        self.stranger("mixkept-unknown", lost)
        self.stranger("mixkept-elsewhere", {**lost, "evenkeel.app": "mixkept2", "evenkeel.origin": "/elsewhere//mixkept2.yaml"})
        self.stranger("mixkept-half", {"evenkeel.owner": "mixa"})
        self.call("POST", "/volumes/create", {"Name": "mixkept_data", "Labels": {"evenkeel.owner": "mixa", "evenkeel.app": "mixkept3", "evenkeel.key": "data"}})
        for app in APPS[:5]:
            agent = self.agents[0] if app != APPS[3] else self.agents[1]
            put(os.path.join(self.rng.choice(agent.places), f"{app}.yaml"), spec({app: 0}))
        for agent in self.agents:
            self.settle(agent, "apply")

    def step(self):
        deeds = [self.do_write] * 5 + [self.do_delete] * 4 + [self.do_spoil] * 3 + [self.do_move] * 3 + [self.do_cover] * 4 + [self.do_uncover] * 4 + \
            [self.do_hand] * 3 + [self.do_stranger] * 3 + [self.do_stranger_leaves] + [self.do_word] * 3
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            self.rng.choice(deeds)()
        agent = self.rng.choice(self.agents)
        how = self.rng.choice(["apply"] * 5 + ["confirm"] * 2 + ["one", "killed", "agent"])
        self.settle(agent, how)
        if how == "apply" and self.rng.random() < 0.1:
            self.lose_state(agent)

    def lose_state(self, agent):
        shutil.rmtree(agent.state)
        self.tell(f"{agent.owner}: its state directory is lost")

    def mend(self):
        """Everything in order again, and one file for each app."""
        self.tell("all is put in order")
        while self.covered:
            self.covered.popitem()[1]()
        taken = set()
        for agent in self.agents:
            for app in APPS:
                agent.run("start", app)
                agent.run("release", app)
            for place in agent.places:
                for folder, folders, names in os.walk(place):
                    for name in names:
                        os.unlink(os.path.join(folder, name))
                    del folders
        volumes = self.look().volumes
        for app in APPS:
            agent = self.rng.choice(self.agents)
            if f"{app}_data" in volumes:  # it stays its owner's
                agent = next((a for a in self.agents if is_of(volumes[f"{app}_data"], a.owner)), agent)
            self.value += 1
            taken.add((agent.owner, app, str(self.value)))
            put(os.path.join(self.rng.choice(agent.places), f"{app}.yaml"), spec({app: self.value}))
        for c in list(self.look().containers.values()):
            if not any(is_of(c, a.owner) for a in self.agents) and not c["name"].startswith("mixkept"):
                self.call("DELETE", f"/containers/{c['name']}?force=1")
        return taken

    def have(self):
        sight = self.look()
        return sorted((c["labels"]["evenkeel.owner"], c["labels"]["evenkeel.app"], c["name"], e[2:]) for a in self.agents
                      for c in sight.owned(a.owner).values() if not c["name"].startswith("mixkept") for e in c["env"] if e.startswith("V="))

    def end(self):
        taken = self.mend()
        for agent in self.agents:  # of roots that were elsewhere for a while: these go by word alone
            said = self.verdicts(agent, self.look())
            for app in sorted(app for app, verdict in said.of.items() if verdict == "frozen" and not app.startswith("mixkept")):
                self.tell(f"{agent.owner}: remove {app}")
                agent.run("remove", app)
        want = sorted((owner, app, f"{app}-app-{i + 1}", value) for owner, app, value in taken for i in range(2 if int(app[-1]) % 4 == 3 else 1))
        for _ in range(3):  # a name that the other one has is free only after its turn
            for agent in self.agents:
                self.settle(agent, "confirm")
                self.settle(agent, "apply")
            if self.have() == want:
                break
        sight = self.look()
        for kept in ("mixkept-unknown", "mixkept-elsewhere", "mixkept-half"):
            self.must(any(c["name"] == kept and c["state"] == "running" for c in sight.containers.values()), f"{kept} is gone")
            self.call("DELETE", f"/containers/{kept}?force=1")
        have = self.have()
        self.must(have == want, f"in the end there is {have} instead of {want}")
        for agent in self.agents:
            self.settle(agent, "renamed")
            status, text = agent.run("plan")
            self.must(status == 0, f"{agent.owner}'s last plan is not empty: {text[:800]}")

    def live(self):
        end = time.monotonic() + self.options.seconds
        self.begin()
        for _ in range(self.options.steps):
            if time.monotonic() > end:
                break
            self.step()
        self.end()

    def clear(self):
        for place in list(self.covered):
            self.covered.pop(place)()
        for listed in self.engine.call("GET", "/containers/json?all=1"):
            if listed["Names"][0].startswith("/mix"):
                self.call("DELETE", f"/containers/{listed['Id']}?force=1&v=1")
        for n in self.engine.call("GET", "/networks"):
            if n["Name"].startswith("mix"):
                self.call("DELETE", f"/networks/{n['Id']}")
        for v in self.engine.call("GET", "/volumes")["Volumes"] or []:
            if v["Name"].startswith("mix"):
                self.call("DELETE", f"/volumes/{v['Name']}")
        shutil.rmtree(self.work, ignore_errors=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--engine", required=True)
    options.add_argument("--evenkeel", required=True)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=15)
    options.add_argument("--mounts", action="store_true")
    options = options.parse_args()
    options.weak = NOT_AS_ROOT if subprocess.run([*NOT_AS_ROOT, "true"], capture_output=True, check=False).returncode == 0 else []
    mix, why = Mix(options), None
    try:
        mix.live()
    except (Wrong, OSError, EngineError, subprocess.SubprocessError) as problem:
        why = f"{type(problem).__name__}: {problem}"
    if why:
        print(f"FAIL seed {options.seed}: {why}\n     what happened:")
        for line in mix.story[-60:]:
            print(f"     | {line}")
        for agent in mix.agents:
            if os.path.exists(agent.log):
                with open(agent.log, encoding="utf-8", errors="replace") as file:
                    print("".join(f"     {agent.owner} > {line}" for line in file.readlines()[-25:]), end="")
    print(f"     seed {options.seed}: {len(mix.story)} things happened; " + ", ".join(f"{k} {n}" for k, n in sorted(mix.counts.items())))
    mix.clear()
    sys.exit(1 if why else 0)


main()
