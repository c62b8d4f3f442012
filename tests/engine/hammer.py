#!/usr/bin/env python3
"""Asks for pages without pause while something changes, and tells what came back.

  hammer.py [--ready FILE] [--port N] [--threads N] [--pause MS] [--for SECONDS] [--least N] [--host NAME] PATH WORDS [PATH WORDS...]

WORDS is what the page may say, several with | between them. An answer that is not 200 or says none of them is bad. Every second thread
keeps its connection, the others make a new one for each request. SIGTERM, after at least so many requests, or --for ends it; then one JSON object is printed:
requests, bad, first_bad (up to 5: [seconds since the start, path, what came]), longest_ms, said (how often each word came).
FILE is made when each page has been answered once: from then on nothing that changes goes unseen.
"""
import argparse
import collections
import http.client
import json
import signal
import sys
import threading
import time

options = argparse.ArgumentParser()
options.add_argument("--port", type=int, default=80)
options.add_argument("--threads", type=int, default=3)
options.add_argument("--pause", type=float, default=4.0)
options.add_argument("--for", dest="seconds", type=float, default=120.0)
options.add_argument("--least", type=int, default=0)
options.add_argument("--host")
options.add_argument("--ready")
options.add_argument("pages", nargs="+")
options = options.parse_args()
pages = list(zip(options.pages[::2], [w.split("|") for w in options.pages[1::2]]))

asked_to_end = threading.Event()
ended = threading.Event()
lock = threading.Lock()
begin = time.monotonic()
counts = {"requests": 0, "bad": 0}
first_bad, said, longest, unasked = [], collections.Counter(), 0.0, {path for path, _ in pages}


def ask(connection, path):
    headers = {"Host": options.host} if options.host else {}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode(errors="replace")


def judge(path, words, status, text, took):
    global longest
    word = next((w for w in words if w in text), None)
    with lock:
        counts["requests"] += 1
        longest = max(longest, took)
        if path in unasked:
            unasked.remove(path)
            if options.ready and not unasked:
                open(options.ready, "w").close()
        if status == 200 and word:
            said[word] += 1
            return
        counts["bad"] += 1
        if len(first_bad) < 5:
            first_bad.append([round(time.monotonic() - begin, 2), path, f"{status} {text[:90]!r}"])


def work(number):
    connection = None
    turn = number
    while not ended.is_set():
        path, words = pages[turn % len(pages)]
        turn += 1
        start = time.monotonic()
        connection = connection or http.client.HTTPConnection("127.0.0.1", options.port, timeout=20)
        try:
            status, text = ask(connection, path)
        except (OSError, http.client.HTTPException) as problem:
            # A server may close a connection that is idle just as it is used again: that one is asked anew.
            if connection.sock is not None and number % 2 == 0 and isinstance(problem, http.client.RemoteDisconnected):
                connection.close()
                connection = None
                continue
            status, text = 0, repr(problem)
        judge(path, words, status, text, time.monotonic() - start)
        if number % 2 or status == 0:
            connection.close()
            connection = None
        time.sleep(options.pause / 1000)


signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
threads = [threading.Thread(target=work, args=(n,)) for n in range(options.threads)]
for thread in threads:
    thread.start()
asked_to_end.wait(options.seconds)
while counts["requests"] < options.least and time.monotonic() - begin < options.seconds:
    time.sleep(0.01)
ended.set()
for thread in threads:
    thread.join()
json.dump({**counts, "first_bad": first_bad, "longest_ms": round(longest * 1000), "said": said}, sys.stdout)
print()
