"""A registry with one image behind a password, for tests of pulls: 127.0.0.1, any free port, printed first.

little_registry.py USER PASSWORD: serves REGISTRY/private/tool:1 (a scratch image with one file) to USER, and hangs for
REGISTRY/private/slow:1 in the middle of its layer.
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import sys
import tarfile
import time

USER, PASSWORD = sys.argv[1:3]


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        data = os.urandom(200000)  # no layer that an earlier test left on the engine
        entry = tarfile.TarInfo("tool")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


TAR = layer()
LAYER = gzip.compress(TAR, 0, mtime=0)
CONFIG = json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/tool"], "Labels": {"from": "little"}},
    "rootfs": {"type": "layers", "diff_ids": [digest(TAR)]}}).encode()
TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps({
    "schemaVersion": 2, "mediaType": TYPE,
    "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(CONFIG),
               "digest": digest(CONFIG)},
    "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(LAYER),
                "digest": digest(LAYER)}]}).encode()
WANT = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.headers.get("Authorization") != WANT:
            error = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
            return self.answer(401, error, WWW_Authenticate='Basic realm="little"')
        if self.path == "/v2/":
            return self.answer(200, b"{}")
        if self.path in [f"/v2/private/{n}/manifests/{t}" for n in ("tool", "slow") for t in ("1", digest(MANIFEST))]:
            return self.answer(200, MANIFEST, TYPE, Docker_Content_Digest=digest(MANIFEST))
        if self.path.endswith("/blobs/" + digest(CONFIG)):
            return self.answer(200, CONFIG)
        if self.path.endswith("/blobs/" + digest(LAYER)):
            if "/slow/" not in self.path:
                return self.answer(200, LAYER, "application/octet-stream")
            self.send_response(200)
            self.send_header("Content-Length", str(len(LAYER)))
            self.end_headers()
            self.wfile.write(LAYER[:1000])
            time.sleep(300)
            return None
        return self.answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
