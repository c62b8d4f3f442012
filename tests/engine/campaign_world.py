"""What one run of the campaign deals with: its apps and their files, what is not its own, and what must be true at the end.

Everything of run S is called cS… (ours) or fS… (others'), so that many runs share one engine. Standard library only.
"""
import http.client
import json
import os
import socket
import urllib.parse

IMAGE = "busybox:stable"
SLEEP = 'image: busybox:stable, command: ["sleep", "100000"], stop_signal: SIGKILL'


class EngineError(Exception):
    pass


class Engine:
    """The engine without evenkeel, one connection a call."""

    def __init__(self, path):
        self.path = path

    def call(self, method, path, body=None, fine=()):
        connection = http.client.HTTPConnection("engine", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(60)
        try:
            connection.sock.connect(self.path)
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            data = reply.read()
        finally:
            connection.close()
        if reply.status >= 400 and reply.status not in fine:
            raise EngineError(f"{method} {path}: {reply.status} {data.decode(errors='replace').strip()}")
        return json.loads(data) if data and data[:1] in b"[{" else None

    def find(self, what, **filters):
        asked = urllib.parse.quote(json.dumps({k: [v] for k, v in filters.items()}))
        found = self.call("GET", f"/{what}?filters={asked}" + ("&all=1" if what == "containers/json" else ""))
        return found.get("Volumes") or [] if isinstance(found, dict) else found


# ---- apps ----

KINDS = ["plain", "data", "two", "nets", "many", "healthy"]


class App:
    def __init__(self, name, kind):
        self.name, self.kind, self.value, self.there = name, kind, "first", True
        self.was_broken = False

    def spec(self):
        v = f'labels: {{v: "{self.value}"}}, environment: {{V: "{self.value}"}}'
        text = {
            "plain": f"  app: {{{SLEEP}, network_mode: none, {v}}}\n",
            "data": f'  app: {{image: busybox:stable, user: "0", stop_signal: SIGKILL, network_mode: none, volumes: ["data:/data"], {v},\n'
                    '    command: ["sh", "-c", "[ -e /data/first ] || echo 1 > /data/first; exec sleep 100000"]}\nvolumes: {data: {}}\n',
            "two": f"  web: {{{SLEEP}, depends_on: [db], {v}}}\n  db: {{{SLEEP}, network_mode: none, {v}}}\n",
            "nets": f"  app: {{{SLEEP}, networks: [x, y], {v}}}\nnetworks: {{x: {{}}, y: {{}}}}\n",
            "many": f"  app: {{{SLEEP}, network_mode: none, deploy: {{replicas: 2}}, {v}}}\n",
            "healthy": f'  app: {{{SLEEP}, network_mode: none, healthcheck: {{test: ["CMD", "true"], interval: 1s}}, {v}}}\n',
        }[self.kind]
        return f"app: {self.name}\nservices:\n{text}"

    def containers(self):
        services = {"two": ["web-1", "db-1"], "many": ["app-1", "app-2"]}.get(self.kind, ["app-1"])
        return [f"{self.name}-{s}" for s in services]

    def networks(self):
        return [f"{self.name}_{n}" for n in {"two": ["default"], "nets": ["x", "y"]}.get(self.kind, [])]

    def volumes(self):
        return [f"{self.name}_data"] if self.kind == "data" else []


# ---- one run's part of the world ----


class World:
    def __init__(self, engine, seed, root, rng):
        self.engine, self.seed, self.root, self.rng = engine, seed, root, rng
        self.owner = f"c{seed}"
        kinds = rng.sample(KINDS, 3)
        self.apps = [App(f"c{seed}{letter}", kind) for letter, kind in zip("pqr", kinds)]
        self.seen_volumes, self.others = set(), {}

    # files

    def put(self, name, text):
        beside = os.path.join(self.root, f".{name}.new")
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(beside, os.path.join(self.root, name))

    def write(self, app):
        app.there, app.was_broken = True, False
        self.put(f"{app.name}.yaml", app.spec())

    def change(self, app, word):
        app.value = word
        self.write(app)

    def remove(self, app):
        app.there = False
        os.unlink(os.path.join(self.root, f"{app.name}.yaml"))

    def spoil(self, app):
        app.was_broken = True
        self.put(f"{app.name}.yaml", app.spec()[:-3] + "\n  : [\n")

    # what is not ours

    def place_others(self):
        call, s = self.engine.call, self.seed
        labels = {"evenkeel.owner": f"f{s}", "evenkeel.app": f"f{s}", "evenkeel.service": "app", "evenkeel.index": "1"}
        call("POST", f"/containers/create?name=f{s}-theirs", {"Image": IMAGE, "Cmd": ["true"], "Labels": labels})
        call("POST", f"/containers/create?name=f{s}-nobodys", {"Image": IMAGE, "Cmd": ["true"]})
        call("POST", "/volumes/create", {"Name": f"f{s}_theirs", "Labels": {"evenkeel.owner": f"f{s}"}})
        # A volume of ours whose app is not there: kept, too.
        call("POST", "/volumes/create", {"Name": f"{self.owner}z_data", "Labels": {"evenkeel.owner": self.owner, "evenkeel.app": f"c{s}z"}})
        self.seen_volumes.add(f"{self.owner}z_data")
        self.others = self.look_at_others()

    def look_at_others(self):
        found = {}
        for c in self.engine.find("containers/json", name=f"f{self.seed}-"):
            found[c["Names"][0]] = (c["Id"], c["State"], c["Created"])
        for v in self.engine.find("volumes", name=f"f{self.seed}_"):
            found[v["Name"]] = v["CreatedAt"]
        return found

    # what is ours

    def owned(self, what):
        return self.engine.find(what, label=f"evenkeel.owner={self.owner}")

    def start_errors(self):
        """The engine's words for why containers of ours did not start."""
        found = [self.engine.call("GET", f"/containers/{c['Id']}/json", fine=(404,)) for c in self.owned("containers/json")]
        return [c["State"]["Error"] for c in found if "State" in c]

    def note_volumes(self):
        self.seen_volumes |= {v["Name"] for v in self.owned("volumes")}

    def differences(self):
        """What is not yet as the files say; empty: converged."""
        bad = []
        have = {}
        for c in self.owned("containers/json"):
            have.setdefault(c["Names"][0][1:], []).append((c["State"], c["Labels"].get("v")))
        want = {n: [("running", a.value)] for a in self.apps if a.there for n in a.containers()}
        bad += [f"container {n}: {have.get(n)} instead of {want.get(n)}" for n in sorted({*have, *want}) if have.get(n) != want.get(n)]
        nets = sorted(n["Name"] for n in self.owned("networks"))
        wanted = sorted(n for a in self.apps if a.there for n in a.networks())
        return bad + ([f"networks {nets} instead of {wanted}"] if nets != wanted else [])

    def violations(self):
        """What must not be, ever."""
        bad = []
        volumes = {v["Name"] for v in self.owned("volumes")}
        bad += [f"lost volume {v}" for v in sorted(self.seen_volumes - volumes)]
        wanted = {v for a in self.apps for v in a.volumes()} | {f"{self.owner}z_data"}
        bad += [f"a volume that nobody asked for: {v}" for v in sorted(volumes - wanted)]
        now = self.look_at_others()
        if now != self.others:
            bad.append(f"not ours and touched: {self.others} became {now}")
        for c in self.engine.find("containers/json", name=f"c{self.seed}"):
            name = c["Names"][0][1:]
            if name.startswith((f"c{self.seed}p", f"c{self.seed}q", f"c{self.seed}r")) and c["Labels"].get("evenkeel.owner") != self.owner:
                bad.append(f"without an owner: {name}")
        places = {}
        for c in self.owned("containers/json"):
            place = tuple(c["Labels"].get(f"evenkeel.{k}") for k in ("app", "service", "index"))
            places.setdefault(place, []).append(c["Names"][0][1:])
        bad += [f"two in one place: {names}" for names in places.values() if len(names) > 1]
        return bad

    def clear(self):
        for c in [*self.owned("containers/json"), *self.engine.find("containers/json", name=f"f{self.seed}-")]:
            self.engine.call("DELETE", f"/containers/{c['Id']}?force=1&v=1", fine=(404, 409))
        for n in self.owned("networks"):
            self.engine.call("DELETE", f"/networks/{n['Id']}", fine=(404, 403))
        for v in [*self.owned("volumes"), *self.engine.find("volumes", name=f"f{self.seed}_")]:
            self.engine.call("DELETE", f"/volumes/{v['Name']}?force=1", fine=(404, 409))
