#!/usr/bin/env python3
"""A webhook's receiver: receiver.py FOLDER SECRET [PORT]. Writes its port to FOLDER/port and each request as one line of JSON to FOLDER/log: {"signed": bool,
"mode": MODE, "body": BODY}. What it answers stands in FOLDER/mode: ok, fail (500), refuse (400), redirect (to /elsewhere), or slow (after 30 s)."""
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

folder, secret = sys.argv[1], sys.argv[2].encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        want = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        with open(os.path.join(folder, "mode"), encoding="utf-8") as f:
            mode = f.read().strip()
        with open(os.path.join(folder, "log"), "a", encoding="utf-8") as f:
            f.write(json.dumps({"signed": hmac.compare_digest(want, self.headers.get("X-Hub-Signature-256", "")), "mode": mode,
                                "path": self.path, "type": self.headers.get("Content-Type"), "body": json.loads(body)}) + "\n")
        if mode == "slow":
            time.sleep(30)
        self.send_response({"fail": 500, "refuse": 400, "redirect": 302}.get(mode, 204))
        if mode == "redirect":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3]) if len(sys.argv) > 3 else 0), Handler)
with open(os.path.join(folder, "port.new"), "w", encoding="utf-8") as f:
    f.write(str(server.server_port))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
