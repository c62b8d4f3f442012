#!/usr/bin/env python3
"""What clients should not send, and how: archives, bytes of requests, many connections.

  hostile.py archives DIR                 makes DIR/NAME.zip, one for each way an archive can be bad
  hostile.py raw HOST:PORT TOKEN          sends malformed requests; a line "ok NAME" or "FAIL NAME: WHY" for each
  hostile.py rights HOST:PORT OPENAPI READ DEPLOY OTHER ENDED PASSWORD
                                          asks every route of the description for every kind of caller that it is not for; the tokens are one that reads, one that
                                          deploys, one that deploys another app, and one that has ended
  hostile.py slow HOST:PORT               twelve logins whose bodies come byte by byte; prints the seconds until the last was ended
  hostile.py half HOST:PORT TOKEN         an upload whose sender closes its half; prints status and whether it is a problem document
  hostile.py storm HOST:PORT TOKEN N      N event streams opened and dropped, N uploads broken off
"""
import io
import json
import os
import random
import socket
import struct
import sys
import threading
import time
import zipfile

GOOD = b"FROM busybox:stable\n"


def packed(fill):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("Dockerfile", GOOD)
        fill(z)
    return out.getvalue()


def named(name):
    return lambda: packed(lambda z: z.writestr(name, "x"))


def linked(target):
    def fill(z):
        i = zipfile.ZipInfo("link")
        i.external_attr = 0o120777 << 16
        z.writestr(i, target)

    return lambda: packed(fill)


def encrypted():
    """The flag alone: nobody should get as far as the cipher."""
    data = bytearray(packed(lambda z: z.writestr("secret", "x" * 40)))
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        where = data.find(mark, data.find(mark) + 4)
        flags = struct.unpack_from("<H", data, where + at)[0]
        struct.pack_into("<H", data, where + at, flags | 1)
    return bytes(data)


def damaged():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("Dockerfile", GOOD)
        z.writestr("f", "damage me")
    return out.getvalue().replace(b"damage me", b"DAMAGED! ", 1)


def bad_name():
    return packed(lambda z: z.writestr("qqqq", "x")).replace(b"qqqq", b"\xff\xfe\xfaq")


def bomb(z):
    for i in range(4):
        z.writestr(f"zeros{i}", b"\0" * (16 << 20))


ARCHIVES = {
    "truncated": lambda: packed(lambda z: z.writestr("f", os.urandom(4000)))[:2000],
    "headless": lambda: b"PK\3\4" + os.urandom(500),
    "text": lambda: b"this is a letter, not an archive\n" * 10,
    "rar": lambda: b"Rar!\x1a\x07\x01\x00" + os.urandom(100),
    "gzip-of-nothing": lambda: b"\x1f\x8b" + os.urandom(300),
    "zstd-of-nothing": lambda: b"\x28\xb5\x2f\xfd" + os.urandom(300),
    "empty-zip": lambda: packed(lambda z: None)[-22:-18] + b"\0" * 18,
    "bomb": lambda: packed(bomb),
    "many": lambda: packed(lambda z: [z.writestr(f"f{i}", "") for i in range(10050)]),
    "deep": named("/".join("d" * 1 for _ in range(60)) + "/f"),
    "up": named("../../evil"),
    "up-inside": named("a/../../evil"),
    "absolute": named("/etc/cron.d/evil"),
    "long-name": named("n" * 2000),
    "link-out": linked("/etc/passwd"),
    "link-up": linked("../../../etc/passwd"),
    "clash": lambda: packed(lambda z: (z.writestr("a", "x"), z.writestr("a/b", "x"))),
    "same-folded": lambda: packed(lambda z: (z.writestr("File", "x"), z.writestr("fILE", "x"))),
    "encrypted": encrypted,
    "damaged": damaged,
    "name-no-utf8": bad_name,
}


def archives(folder):
    for name, make in ARCHIVES.items():
        with open(f"{folder}/{name}.zip", "wb") as f:
            f.write(make())


# --- requests ------------------------------------------------------------------------------------


def dial(at, patience=30):
    host, port = at.rsplit(":", 1)
    s = socket.create_connection((host, int(port)), timeout=patience)
    return s


def answer(s):
    out = b""
    try:
        while len(out) < 1 << 20:
            more = s.recv(65536)
            if not more:
                break
            out += more
    except OSError:
        pass
    return out


def status_of(reply):
    return int(reply[9:12]) if reply.startswith(b"HTTP/1.1 ") else 0


def is_problem(reply):
    """An RFC 9457 document that tells what happened, whose status is the reply's."""
    head, _, body = reply.partition(b"\r\n\r\n")
    try:
        doc = json.loads(body)
    except ValueError:
        return False
    return (b"Content-Type: application/problem+json" in head and doc.get("status") == status_of(reply)
            and bool(doc.get("detail")))


def requests(token):
    auth = f"Authorization: Bearer {token}\r\n".encode()
    host = b"Host: localhost\r\n"

    def send(line, more=b"", body=b"", with_token=True):
        return line + b" HTTP/1.1\r\n" + host + (auth if with_token else b"") + more + b"\r\n" + body

    def json_body(body, kind=b"application/json"):
        return send(b"POST /api/v1/login", b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n" % len(body), body, False)

    def form(kind, body):
        return send(b"POST /api/v1/apps/x/bundle", b"Content-Type: " + kind + b"\r\nContent-Length: %d\r\n" % len(body), body)

    put = b"PUT /api/v1/apps/x/bundle"
    chunked = b"Transfer-Encoding: chunked\r\n"
    apps = b"GET /api/v1/apps"
    return [
        # name, what is sent, the statuses that are right
        ("both lengths", send(put, b"Content-Length: 4\r\n" + chunked, b"4\r\nPK\3\4\r\n0\r\n\r\n"), {400}),
        ("two lengths", send(put, b"Content-Length: 4\r\nContent-Length: 5\r\n", b"PK\3\4x"), {400}),
        ("a negative length", send(put, b"Content-Length: -4\r\n", b"PK\3\4"), {400}),
        ("a length of words", send(put, b"Content-Length: four\r\n", b"PK\3\4"), {400}),
        ("a length beyond all", send(put, b"Content-Length: 18446744073709551617\r\n", b"PK"), {400, 413}),
        ("a length over the limit", send(put, b"Content-Length: 1073741825\r\n", b"PK"), {413}),
        ("a chunk without a size", send(put, chunked, b"\r\nPK\3\4\r\n0\r\n\r\n"), {400, 422}),
        ("a chunk of a bad size", send(put, chunked, b"zz\r\nPK\3\4\r\n0\r\n\r\n"), {400, 422}),
        ("a chunk of a huge size", send(put, chunked, b"ffffffffffffffff\r\nPK\3\4\r\n0\r\n\r\n"), {400, 413, 422}),
        ("a chunk with an extension", send(put, chunked, b"4;a=b\r\nPK\3\4\r\n0\r\n\r\n"), {400, 422}),
        ("a chunk that is longer", send(put, chunked, b"2\r\nPK\3\4\r\n0\r\n\r\n"), {400, 422}),
        ("another coding", send(put, b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), {400}),
        ("no host", b"GET /api/v1/apps HTTP/1.1\r\n" + auth + b"\r\n", {400}),
        ("two hosts", send(apps, host), {400}),
        ("a host of another site", b"GET /api/v1/apps HTTP/1.1\r\nHost: evil.example\r\n" + auth + b"\r\n", {421}),
        ("a host with a path", b"GET /api/v1/apps HTTP/1.1\r\nHost: localhost/x\r\n" + auth + b"\r\n", {400}),
        ("too many headers", send(apps, b"".join(b"X-%d: 1\r\n" % i for i in range(150))), {400}),
        ("a header without a colon", send(apps, b"X 1\r\n"), {400}),
        ("a folded header", send(apps, b"X-A: 1\r\n  2\r\n"), {200, 400}),
        ("no request at all", b"\x16\x03\x01\x02\x00\r\n\r\n", {400}),
        ("no version", b"GET /api/v1/apps\r\n\r\n", {400}),
        ("another version", b"GET /api/v1/apps HTTP/3.7\r\n" + host + b"\r\n", {400, 505}),
        ("a method that is none", send(b"BREW /api/v1/apps"), {400, 405}),
        ("a method in small letters", send(b"get /api/v1/apps"), {400, 405}),
        ("a range", send(apps, b"Range: bytes=0-1\r\n"), {200}),
        ("a range that is none", send(apps, b"Range: bytes=9-1,zz\r\n"), {200}),
        ("a path with dots", send(b"GET /api/v1/apps/../../../etc/passwd"), {404}),
        ("dots that are encoded", send(b"GET /api/v1/apps/%2e%2e/%2e%2e/etc/passwd"), {404}),
        ("a slash that is encoded", send(b"GET /api/v1/apps/x%2fspec"), {404}),
        ("a letter that is encoded", send(b"GET /api/v1/%61pps"), {404}),
        ("a backslash", send(b"GET /api/v1/apps\\x"), {404, 400}),
        ("a NUL that is encoded", send(b"GET /api/v1/apps/x%00/spec"), {404, 400}),
        ("a path that is not UTF-8", send(b"GET /api/v1/apps/\xff\xfe"), {404, 400}),
        ("a name that is a command", send(b"PUT /api/v1/apps/;$(id)/spec", b"Content-Length: 6\r\n", b"app: x"), {404}),
        ("a name in backticks", send(b"PUT /api/v1/apps/`id`/spec", b"Content-Length: 6\r\n", b"app: x"), {404}),
        ("a name that is an option", send(b"PUT /api/v1/apps/--help/spec", b"Content-Length: 6\r\n", b"app: x"), {404}),
        ("a name with an underscore", send(b"PUT /api/v1/apps/a_b/spec", b"Content-Length: 6\r\n", b"app: x"), {404}),
        ("a name of 64 letters", send(b"PUT /api/v1/apps/" + b"a" * 64 + b"/spec", b"Content-Length: 6\r\n", b"app: x"), {404}),
        ("a secret outside its folder", send(b"PUT /api/v1/secrets/..%2f..%2fevil", b"Content-Length: 1\r\n", b"x"), {404}),
        ("a hidden secret", send(b"PUT /api/v1/secrets/.evil", b"Content-Length: 1\r\n", b"x"), {404}),
        ("JSON that ends early", json_body(b'{"account": "admin"'), {400}),
        ("JSON that goes on", json_body(b'{} {}'), {400}),
        ("JSON twice the same key", json_body(b'{"account":"a","account":"b"}'), {400}),
        ("JSON that is a list", json_body(b'[1]'), {400}),
        ("JSON that is deep", json_body(b'{"a":' * 40 + b"1" + b"}" * 40), {400}),
        ("JSON that is not UTF-8", json_body(b'{"account":"\xff\xfe"}'), {400}),
        ("JSON with half a letter", json_body(b'{"account":"\\ud800"}'), {400}),
        ("JSON with a NUL", json_body(b'{"account":"a\\u0000b"}'), {400, 401}),
        ("JSON that is too large", json_body(b'{"a":"' + b"x" * 70000 + b'"}'), {413}),
        ("no JSON", json_body(b"account=admin", b"text/plain"), {415}),
        ("JSON cut short", send(b"POST /api/v1/login", b"Content-Type: application/json\r\nContent-Length: 100\r\n", b'{"a"', False), {400}),
        ("a form for an archive", form(b"multipart/form-data; boundary=x", b"--x\r\n\r\nPK\r\n--x--"), {422}),
        ("a token that is none", b"GET /api/v1/apps HTTP/1.1\r\n" + host + b"Authorization: Bearer ek_x\r\n\r\n", {401}),
        ("a token too long", b"GET /api/v1/apps HTTP/1.1\r\n" + host + b"Authorization: Bearer " + b"e" * 9000 + b"\r\n\r\n", {401}),
        ("another scheme", b"GET /api/v1/apps HTTP/1.1\r\n" + host + b"Authorization: Basic YTpi\r\n\r\n", {401}),
        ("two tokens", send(apps, auth), {401}),
        ("a cookie that is none", b"GET /api/v1/apps HTTP/1.1\r\n" + host + b"Cookie: evenkeel_session=../../x\r\n\r\n", {401}),
        ("two cookies", b"GET /api/v1/apps HTTP/1.1\r\n" + host + b"Cookie: evenkeel_session=a; evenkeel_session=b\r\n\r\n", {401}),
        ("a header in a value", send(b"GET /api/v1/apps/x/logs?since=%0d%0aSet-Cookie:%20a=b"), {404, 422}),
    ]


def raw(at, token):
    for name, sent, right in requests(token):
        s = dial(at)
        try:
            s.sendall(sent)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        reply = answer(s)
        s.close()
        got = status_of(reply)
        if got not in right:
            print(f"FAIL {name}: {reply[:200]!r}")
        elif got >= 400 and not is_problem(reply) and b"nothing answers at" not in reply:
            print(f"FAIL {name}: no problem document: {reply[-300:]!r}")
        else:
            print(f"ok {name}")


# --- rights --------------------------------------------------------------------------------------

OPEN = {"get /healthz", "get /readyz", "get /login", "post /login", "post /api/v1/login", "get /metrics"}  # metrics: to this machine
ADMINS = ("/api/v1/accounts", "/api/v1/tokens", "/api/v1/secrets", "/api/v1/audit", "/api/v1/volumes/n1/purge")


def routes(description):
    for path, methods in json.load(open(description))["paths"].items():
        for method in methods:
            if f"{method} {path}" not in OPEN:
                yield method.upper(), path, path.replace("{app}", "web").replace("{name}", "n1").replace("{number}", "1")


def ask_route(at, method, path, headers):
    s = dial(at)
    lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    s.sendall(f"{method} {path} HTTP/1.1\r\nHost: {at}\r\n{lines}\r\n".encode())
    reply = answer(s)
    s.close()
    return reply


def rights(at, description, read, deploy, other, ended, password):
    body = json.dumps({"account": "admin", "password": password})
    s = dial(at)
    s.sendall(f"POST /api/v1/login HTTP/1.1\r\nHost: {at}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    reply = answer(s).decode()
    cookie = reply.split("Set-Cookie: ")[1].split(";")[0]
    csrf = json.loads(reply.split("\r\n\r\n", 1)[1])["csrf"]
    every = list(routes(description))
    changing = [r for r in every if r[0] != "GET"]
    bearer = lambda token: {"Authorization": "Bearer " + token}
    ours = "http://" + at
    for who, headers, those, right in (
        ("nobody", {}, every, 401),
        ("a forged token", bearer(read[:20] + "A" * (len(read) - 20)), every, 401),
        ("a token that has ended", bearer(ended), every, 401),
        ("a token that reads", bearer(read), [r for r in changing if r[1] != "/api/v1/validate"], 403),
        ("a token for another app", bearer(other), [r for r in every if "{app}" in r[1]], 403),
        ("the same, of the host", bearer(other), [r for r in changing if r[1] not in ("/api/v1/apps", "/api/v1/validate")], 403),
        ("one that deploys", bearer(deploy), [r for r in every if r[2].startswith(ADMINS)], 403),
        ("a session without CSRF token", {"Cookie": cookie, "Origin": ours}, changing, 403),
        ("with a wrong one", {"Cookie": cookie, "Origin": ours, "X-CSRF-Token": csrf[:-2] + "zz"}, changing, 403),
        ("from another Origin", {"Cookie": cookie, "Origin": "http://evil.example", "X-CSRF-Token": csrf}, changing, 403),
        ("from a page of another site", {"Cookie": cookie, "Sec-Fetch-Site": "cross-site", "X-CSRF-Token": csrf}, changing, 403),
        ("without any Origin", {"Cookie": cookie, "X-CSRF-Token": csrf}, changing, 403),
    ):
        wrong = []
        for method, _, path in those:
            reply = ask_route(at, method, path, headers)
            if status_of(reply) != right or not is_problem(reply):
                wrong.append(f"{method} {path}: {reply[:12]!r}")
        print(f"FAIL {who}: {'; '.join(wrong[:5])}" if wrong else f"ok {len(those)} routes refuse {who}")


def slow(at):
    begun = time.time()
    socks = []
    for _ in range(12):
        s = dial(at)
        s.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
        socks.append(s)
    done = [0.0] * len(socks)

    def trickle(i):
        s = socks[i]
        s.settimeout(0.5)
        while time.time() - begun < 60:
            try:
                s.sendall(b" ")
                if not s.recv(4096):
                    break
                break
            except socket.timeout:
                continue
            except OSError:
                break
        done[i] = time.time() - begun

    threads = [threading.Thread(target=trickle, args=(i,)) for i in range(len(socks))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(f"{max(done):.0f}")


def half(at, token):
    s = dial(at)
    s.sendall(f"PUT /api/v1/apps/x/bundle HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 100000\r\n\r\n".encode() + b"PK\3\4" + b"x" * 500)
    s.shutdown(socket.SHUT_WR)
    reply = answer(s)
    print(status_of(reply), "problem" if is_problem(reply) else reply[:200])


def storm(at, token, n):
    events = f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    upload = f"PUT /api/v1/apps/x/bundle HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: 10000000\r\n\r\n".encode()
    chance = random.Random(7)
    for _ in range(n):
        s = dial(at)
        s.sendall(events)
        if chance.random() < 0.7:  # else it is gone before it has begun
            s.recv(4096)
        if chance.random() < 0.5:  # a reset, not an end
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        s = dial(at)
        try:
            s.sendall(upload + b"PK\3\4" + b"x" * chance.randrange(0, 60000))
        except OSError:
            pass
        if chance.random() < 0.5:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()


if __name__ == "__main__":
    verb, *args = sys.argv[1:]
    if verb == "storm":
        storm(args[0], args[1], int(args[2]))
    else:
        {"archives": archives, "raw": raw, "rights": rights, "slow": slow, "half": half}[verb](*args)
