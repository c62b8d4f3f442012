#!/usr/bin/env python3
"""Stands before an engine and refuses BuildKit, as engines without it do.

no_buildkit.py LISTEN.sock ENGINE.sock LOG     each build that is asked for is a line of LOG: its version
"""
import re
import socket
import sys
import threading

REFUSAL = b'{"message":"build with BuildKit is not supported by this daemon"}\n'
ASKED = re.compile(rb"^POST \S*/build\?version=(\d)")


def pump(source, to):
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(client, engine_path, log):
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(engine_path)
    threading.Thread(target=pump, args=(engine, client), daemon=True).start()
    try:
        while data := client.recv(65536):
            asked = ASKED.match(data)
            if asked:
                log.write(asked[1].decode() + "\n")
                log.flush()
            if asked and asked[1] == b"2":
                client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(REFUSAL) + REFUSAL)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
                break
            engine.sendall(data)
        engine.shutdown(socket.SHUT_WR)
    except OSError:
        engine.close()


def main():
    listen_path, engine_path, log_path = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(listen_path)
    listener.listen(64)
    with open(log_path, "w", encoding="ascii") as log:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, engine_path, log), daemon=True).start()


main()
