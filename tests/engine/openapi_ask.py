#!/usr/bin/env python3
"""Asks a running agent for each operation of its description, and compares: openapi_ask.py DOCUMENT ADDRESS PASSWORD TOKEN ARCHIVE

Prints "ok NAME" or "FAIL NAME :: WHY" for each request: the status must be one that is described, the Content-Type one of that status, and a JSON body must fit its schema. An operation that is asked
for nowhere below fails, and so does one that somebody without a credential gets more from than 401."""
import http.client
import json
import re
import sys
import time
import urllib.parse

import openapi_fit

document = json.load(open(sys.argv[1], encoding="utf-8"))
address, password, token = sys.argv[2:5]
archive = open(sys.argv[5], "rb").read()
host = urllib.parse.urlparse(address).netloc
asked = set()
cookie = csrf = None


def say(name, why=None):
    print(f"ok {name}" if why is None else f"FAIL {name} :: {why}", flush=True)


def request(method, path, headers, body=None, until=None):
    """until: bytes after which a stream has said enough"""
    c = http.client.HTTPConnection(host, timeout=60)
    c.request(method, path, body=body, headers=headers)
    r = c.getresponse()
    got = b""
    while until is not None and until not in got:
        more = r.read1(4096)
        if not more:
            break
        got += more
    if until is None:
        got = r.read()
    c.close()
    return r, got


def misfit(op, r, body):
    status = str(r.status)
    answer = op["responses"].get(status)
    if answer is None:
        return f"{status} is not described: {body[:200]!r}"
    answer = openapi_fit.resolve(document, answer)
    content = answer.get("content", {})
    kind = (r.headers.get("Content-Type") or "").split(";")[0].strip()
    if not body and (not content or status == "304"):
        return None
    if kind not in content:
        return f"{status} as {kind}, described are {sorted(content)}"
    if "json" in kind:
        found = list(openapi_fit.misfits(document, content[kind].get("schema", {}), json.loads(body)))
        return "; ".join(found) or None
    return None


def ask(method, pattern, want, who="token", query="", body=None, kind=None, until=None, headers=None, **parts):
    """One request; want: the status that it shall have. Returns the body."""
    global cookie
    op = document["paths"][pattern][method.lower()]
    asked.add((method.lower(), pattern))
    path = pattern.format(**parts) + (f"?{query}" if query else "")
    h = dict(headers or {})
    if who == "token":
        h["Authorization"] = f"Bearer {token}"
    if who == "session":
        h.update({"Cookie": cookie, "Origin": address, "X-CSRF-Token": csrf})
    if isinstance(body, dict):
        body, kind = json.dumps(body), "application/json"
    if kind:
        h["Content-Type"] = kind
    r, got = request(method, path, h, body, until)
    name = f"{method} {path} as {who}"
    why = misfit(op, r, got)
    if why is None and r.status != want:
        why = f"{r.status}, not {want}: {got[:200]!r}"
    if kind and why is None and want < 300 and kind.split(";")[0] not in op["requestBody"]["content"]:
        why = f"{kind} is not described as what is sent"
    for pair in query.split("&") if query else []:
        if pair.split("=")[0] not in [p["name"] for p in op["parameters"] if p["in"] == "query"]:
            why = f"the parameter {pair} is not described"
    say(name, why)
    if r.headers.get("Set-Cookie"):
        cookie = r.headers["Set-Cookie"].split(";")[0]
    return got


def until_true(name, probe):
    end = time.time() + 60
    while time.time() < end:
        if probe():
            return
        time.sleep(0.1)
    say(name, "it did not happen in 60 s")


def peek(path):
    return json.loads(request("GET", path, {"Authorization": f"Bearer {token}"})[1])


def state_of(app):
    return {x["app"]: x["state"] for x in peek("/api/v1/apps")["apps"]}.get(app)


def volume(name):
    return {x["name"]: x["state"] for x in peek("/api/v1/volumes")["volumes"]}.get(name)


def form(**fields):
    """multipart/form-data; bundle is a file"""
    out = b""
    for name, value in fields.items():
        file = b'; filename="a.zip"' if name == "bundle" else b""
        value = value if isinstance(value, bytes) else value.encode()
        out += b'--xyz\r\nContent-Disposition: form-data; name="' + name.encode() + b'"' + file + b"\r\n\r\n" + value + b"\r\n"
    return out + b"--xyz--\r\n"


API, APP = "/api/v1", "/api/v1/apps/{app}"
URL_ENCODED, MULTIPART, YAML, BYTES = "application/x-www-form-urlencoded", "multipart/form-data; boundary=xyz", "application/yaml", "application/octet-stream"
SPEC = 'app: one\nimage: busybox:stable\ncommand: ["sleep", "100000"]\nstop_signal: SIGKILL\nnetwork_mode: none\nvolumes: ["data:/data"]\n'


def probes_and_pages():
    global csrf
    ask("GET", "/healthz", 200, "nobody")
    ask("GET", "/readyz", 200, "nobody")
    ask("GET", "/metrics", 200)
    ask("GET", "/login", 200, "nobody")
    ask("POST", "/login", 401, "nobody", body="account=admin&password=wrong", kind=URL_ENCODED)
    ask("POST", API + "/login", 401, "nobody", body={"account": "admin", "password": "wrong"})
    ask("POST", API + "/login", 400, "nobody", body="{", kind="application/json")
    ask("POST", "/login", 303, "nobody", body=f"account=admin&password={password}", kind=URL_ENCODED)
    csrf = json.loads(ask("POST", API + "/login", 200, "nobody", body={"account": "admin", "password": password}))["csrf"]
    ask("GET", API + "/session", 200, "session")
    ask("GET", API + "/session", 200)
    ask("GET", "/upload", 200, "session")
    ask("GET", "/upload", 200, "session", query="placed=nobody")


def people():
    ask("PUT", API + "/accounts/{name}", 200, "session", name="anna", body={"role": "viewer", "password": "a long enough one"})
    ask("PUT", API + "/accounts/{name}", 422, "session", name="anna", body={"role": "king"})
    ask("GET", API + "/accounts", 200)
    ask("DELETE", API + "/accounts/{name}", 200, "session", name="anna")
    ask("DELETE", API + "/accounts/{name}", 404, "session", name="anna")
    ask("POST", API + "/tokens", 201, "session", body={"name": "made", "scope": "read", "apps": ["one"], "days": 1})
    ask("POST", API + "/tokens", 422, "session", body={"name": "made", "scope": "everything"})
    ask("GET", API + "/tokens", 200)
    ask("DELETE", API + "/tokens/{name}", 200, name="made")
    ask("DELETE", API + "/tokens/{name}", 404, name="nobody")


def apps():
    ask("PUT", APP + "/spec", 200, app="one", query="dry_run=1", body=SPEC, kind=YAML)
    ask("PUT", APP + "/spec", 202, app="one", body=SPEC, kind=YAML)
    ask("PUT", APP + "/spec", 200, app="one", query="wait=1&timeout=1m", body=SPEC, kind=YAML)
    ask("PUT", APP + "/spec", 422, app="one", body="app: one\nimagine: x\n", kind=YAML)
    ask("GET", APP + "/spec", 200, app="one")
    ask("GET", APP + "/spec", 404, app="nobody")
    ask("POST", API + "/apps", 202, body={"name": "formed", "image": "busybox:stable", "start_command": "sleep 100000", "route": "/formed"})
    ask("POST", API + "/apps", 422, body={"name": "formed"})
    ask("POST", APP + "/bundle", 202, app="built", query="env=A=b&port=8080", body=archive, kind=BYTES)
    ask("PUT", APP + "/bundle", 200, app="built", query="dry_run=1&volume=data:/data", body=archive, kind=BYTES)
    ask("PUT", APP + "/bundle", 200, app="built", query="wait=1", body=archive, kind=BYTES)
    ask("POST", APP + "/bundle", 202, app="built", body=form(env="A=c", bundle=archive), kind=MULTIPART)
    ask("POST", APP + "/bundle", 422, app="built", query="port=web", body=archive, kind=BYTES)
    ask("POST", "/upload", 303, "session", body=form(csrf=csrf, app="paged", bundle=archive), kind=MULTIPART)
    ask("POST", "/upload", 422, "session", body=form(csrf=csrf, app="paged", bundle=b"none"), kind=MULTIPART)
    ask("GET", API + "/apps", 200)
    ask("GET", API + "/apps", 200, query="state=Synced&name=on")
    etag = request("GET", "/api/v1/apps", {"Authorization": f"Bearer {token}"})[0].headers["ETag"]
    ask("GET", API + "/apps", 304 if etag == request("GET", "/api/v1/apps", {"Authorization": f"Bearer {token}"})[0].headers["ETag"] else 200, headers={"If-None-Match": etag})
    ask("GET", APP, 200, app="one")
    ask("GET", APP, 404, app="nobody")
    for pattern, forms in ((APP + "/plan", ("json", "text", "html", "dot")), (APP + "/drift", ("json", "text", "html", "junit"))):
        for shape in forms:
            ask("GET", pattern, 200, app="one", query=f"format={shape}")
    ask("GET", APP + "/plan", 422, app="one", query="format=junit")
    ask("GET", APP + "/stats", 200, app="one")
    ask("GET", API + "/stats", 200)
    ask("GET", APP + "/history", 200, app="one", query="limit=5")
    ask("GET", API + "/history", 200)
    ask("GET", API + "/history", 422, query="limit=many")
    ask("POST", API + "/validate", 200, query="app=one", body=SPEC, kind=YAML)
    ask("POST", API + "/validate", 200, body="app: one\nimagine: x\n", kind=YAML)


def streams():
    ask("GET", API + "/events", 200, query="app=one", until=b"event: hello")
    ask("GET", API + "/events", 200, headers={"Last-Event-ID": "000000000000-1"}, until=b"event: hello")
    ask("GET", APP + "/logs", 200, app="one", query="tail=5&since=1h&grep=x&service=app&index=1&timestamps=1")
    ask("GET", APP + "/logs", 200, app="one", query="tail=all", headers={"Accept": "text/event-stream"}, until=b"event: end")
    ask("GET", APP + "/logs", 422, app="one", query="since=soon")
    ask("GET", APP + "/builds", 200, app="built", query="tail=3")
    ask("GET", APP + "/builds/{name}", 200, app="built", name="app")
    ask("GET", APP + "/builds", 404, app="one")


def secrets_and_host():
    ask("PUT", APP + "/secrets/{name}", 200, app="one", name="key", body="secret", kind=BYTES)
    ask("GET", APP + "/secrets", 200, app="one")
    ask("DELETE", APP + "/secrets/{name}", 200, app="one", name="key")
    ask("DELETE", APP + "/secrets/{name}", 404, app="one", name="key")
    ask("PUT", API + "/secrets/{name}", 200, name="common", body="secret", kind=BYTES)
    ask("GET", API + "/secrets", 200)
    ask("DELETE", API + "/secrets/{name}", 200, name="common")
    ask("GET", API + "/agent", 200)
    ask("GET", API + "/audit", 200, query="app=one")
    ask("GET", API + "/audit/verify", 200)
    ask("GET", API + "/removals", 200)
    ask("POST", API + "/confirm-removals", 409, body={"hash": "0123456789ab"})


def words_and_volumes():
    ask("POST", APP + "/hold", 202, app="one", query="for=1h")
    ask("POST", APP + "/release", 202, app="one")
    ask("POST", APP + "/stop", 202, app="one")
    ask("POST", APP + "/start", 202, app="one")
    ask("POST", APP + "/restart", 202, app="one")
    ask("GET", API + "/volumes", 200)
    until_true("the volume is there", lambda: volume("one_data") == "in use")
    ask("POST", APP + "/remove", 202, app="one", query="volumes=quarantine")
    until_true("the volume is in quarantine", lambda: volume("one_data") == "quarantine")
    ask("POST", API + "/volumes/{name}/restore", 200, name="one_data")
    ask("POST", API + "/volumes/{name}/restore", 422, name="nobody")
    ask("POST", API + "/volumes/{name}/purge", 422, name="one_data")
    until_true("nobody uses it", lambda: volume("one_data") in ("orphan", "unused"))
    ask("POST", API + "/volumes/{name}/purge", 202, name="one_data", query="yes-delete-data=1")
    ask("DELETE", APP + "/spec", 200, app="formed")
    ask("DELETE", APP + "/spec", 404, app="nobody")


def leaving():
    global cookie, csrf
    ask("POST", API + "/password", 200, "session", body={"password": password, "new_password": "another long one"})
    ask("POST", API + "/logout-everywhere", 200, "session")
    csrf = json.loads(ask("POST", API + "/login", 200, "nobody", body={"account": "admin", "password": "another long one"}))["csrf"]
    ask("POST", API + "/logout", 200, "session")
    csrf = json.loads(ask("POST", API + "/login", 200, "nobody", body={"account": "admin", "password": "another long one"}))["csrf"]
    ask("POST", "/logout", 303, "session", body=f"csrf={csrf}", kind=URL_ENCODED)


def nobody():
    """What is not open is 401 to somebody without a credential, as a problem that is described."""
    for pattern, methods in document["paths"].items():
        for method, op in methods.items():
            if not op["security"] or {} in op["security"]:
                continue
            path = re.sub(r"{(\w+)}", lambda m: "1" if m[1] == "number" else "one", pattern)
            r, got = request(method.upper(), path, {}, b"" if method in ("post", "put") else None)
            why = misfit(op, r, got)
            if why or r.status != 401:
                say(f"{method.upper()} {pattern} as nobody", why or f"{r.status}, not 401")
    say("nobody gets 401")


for part in (probes_and_pages, people, apps, streams, secrets_and_host, words_and_volumes, nobody, leaving):
    part()
for pattern, methods in document["paths"].items():
    for method in methods:
        if (method, pattern) not in asked:
            say(f"{method.upper()} {pattern}", "tests/engine/openapi_ask.py does not ask for it")
