"""Stands between one agent and the engine, and does to chosen calls what a bad day does.

FaultProxy(listen, engine, plan): plan(kind, nth) is asked before each call and names a fault or None. kind is the call without its ids ("POST
/containers/*/start"), nth counts the calls of that kind from 1. The faults:

  drop     the connection ends before the call reaches the engine       lost   ... after the engine did it: the answer never comes
  hang     nothing comes until release() or the agent gives up          late   the engine does it, its answer waits for release()
  403 409 500  a refusal, without the engine                            slow   the answer comes in small pieces, with pauses
  half     the engine does it; its answer stops in the middle           json   ... is whole as HTTP, but half of its JSON is missing
  cut      what streams (events, logs) ends after a moment

Everything that passes is written down in calls: (kind, path, fault). Runs on asyncio; standard library only.
"""
import asyncio
import json
import re

REFUSALS = {"403": "Forbidden", "409": "Conflict", "500": "Internal Server Error"}
NAMED = re.compile(r"/(containers|networks|volumes|images|exec)/([^/?]+)(?=/|$)")
WORDS = {"json", "create", "prune", "search", "load", "get"}


def kind_of(method, path):
    path = re.sub(r"^/v\d+\.\d+", "", path.split("?")[0])
    path = re.sub(r"^/images/.+/json$", "/images/*/json", path)
    return method + " " + NAMED.sub(lambda m: f"/{m[1]}/{m[2] if m[2] in WORDS else '*'}", path)


class Pipe:
    """A reader that can wait for its other side's end without losing what comes instead."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.buffer, self.pending = reader, writer, b"", None

    def more(self):
        """A task: true when more has come, false at the end. One at a time, however many wait for it."""
        if self.pending is None or self.pending.done():
            self.pending = asyncio.ensure_future(self.read())
        return self.pending

    async def read(self):
        data = await self.reader.read(65536)
        self.buffer += data
        return bool(data)

    async def fill(self):
        return await asyncio.shield(self.more())

    async def until(self, mark):
        while mark not in self.buffer:
            if not await self.fill():
                raise ConnectionError("ended early")
        end = self.buffer.index(mark) + len(mark)
        return self.take(end)

    async def exactly(self, n):
        while len(self.buffer) < n:
            if not await self.fill():
                raise ConnectionError("ended early")
        return self.take(n)

    def take(self, n):
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def close(self):
        if self.pending:
            self.pending.cancel()
        self.writer.close()


def header(head, name):
    found = re.search(rb"(?im)^" + name.encode() + rb":[ \t]*(.*?)\r?$", head)
    return found[1].decode() if found else None


async def pieces(pipe, head, bodyless=False):
    """The body's bytes as they are on the wire, piece by piece; None after the last if the connection cannot be used again."""
    if bodyless:
        return
    if "chunked" in (header(head, "Transfer-Encoding") or ""):
        while True:
            line = await pipe.until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await pipe.exactly(size + 2)
            if size == 0:
                return
    elif header(head, "Content-Length") is not None:
        left = int(header(head, "Content-Length"))
        while left > 0:
            data = pipe.take(min(left, 65536)) or (await pipe.fill() and pipe.take(min(left, 65536)))
            if not data:
                raise ConnectionError("ended early")
            left -= len(data)
            yield data
    elif head.startswith(b"HTTP/"):
        while pipe.buffer or await pipe.fill():
            yield pipe.take(len(pipe.buffer))
        yield None


def body_of(wire, head):
    """The body without its chunks."""
    if "chunked" not in (header(head, "Transfer-Encoding") or ""):
        return wire
    body = b""
    while wire:
        line, _, wire = wire.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body, wire = body + wire[:size], wire[size + 2:]
    return body


def answer(status, word, body, more=b""):
    return (f"HTTP/1.1 {status} {word}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n").encode() + more + b"\r\n" + body


class FaultProxy:
    def __init__(self, listen, engine, plan):
        self.listen, self.engine, self.plan = listen, engine, plan
        self.calls, self.counts, self.tasks = [], {}, set()
        self.released = asyncio.Event()
        self.server = None

    async def start(self):
        self.server = await asyncio.start_unix_server(self.serve, self.listen)

    def release(self):
        """What hangs goes on: a bad day is over."""
        self.released.set()

    async def stop(self):
        self.release()
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        client, engine = Pipe(reader, writer), None
        try:
            engine = Pipe(*await asyncio.open_unix_connection(self.engine))
            while await self.one_call(client, engine):
                pass
        except (OSError, ConnectionError, ValueError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            client.close()
            if engine:
                engine.close()

    async def one_call(self, client, engine):
        if not client.buffer:
            await self.next_call(client, engine)
        head = await client.until(b"\r\n\r\n")
        method, path = head.split(b" ")[:2]
        method, path = method.decode(), path.decode()
        body = b"".join([p async for p in pieces(client, head)])
        kind = kind_of(method, path)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        fault = self.plan(kind, self.counts[kind])
        self.calls.append((kind, path, fault))
        if fault == "drop":
            return False
        if fault == "hang":
            await self.wait_or_gone(client)
            return False
        if fault in REFUSALS:
            word = REFUSALS[fault]
            client.writer.write(answer(fault, word, json.dumps({"message": f"{word}: injected"}).encode() + b"\n"))
            await client.writer.drain()
            return True
        engine.writer.write(head + body)
        await engine.writer.drain()
        got = await engine.until(b"\r\n\r\n")
        bodyless = method == "HEAD" or got.split(b" ")[1] in (b"204", b"304")
        if "/events" in kind or "follow=" in path:
            return await self.stream(client, engine, got, fault)
        return await self.reply(client, engine, got, bodyless, fault)

    async def next_call(self, client, engine):
        """An engine that ends is told of at once, as without us."""
        await asyncio.wait([client.more(), engine.more()], return_when=asyncio.FIRST_COMPLETED)
        if engine.pending.done() or not client.pending.result():
            raise ConnectionError("over")

    async def wait_or_gone(self, client):
        """Until release, or the client has closed."""
        free = asyncio.ensure_future(self.released.wait())
        await asyncio.wait([client.more(), free], return_when=asyncio.FIRST_COMPLETED)
        free.cancel()

    async def reply(self, client, engine, head, bodyless, fault):
        parts = [p async for p in pieces(engine, head, bodyless)]
        reusable = not parts or parts[-1] is not None
        wire = b"".join(p for p in parts if p)
        if fault == "lost":
            return False
        if fault == "late":
            await self.wait_or_gone(client)
        if fault == "json" and wire:
            text = body_of(wire, head)
            status = head.split(b" ", 2)[1].decode()
            client.writer.write(answer(status, "OK", text[:len(text) // 2]))
            await client.writer.drain()
            return reusable
        if fault == "half":
            client.writer.write((head + wire)[:len(head) + len(wire) // 2] if wire else head[:len(head) // 2])
            await client.writer.drain()
            return False
        if fault == "slow":
            for at in range(0, len(wire), max(1, len(wire) // 8)):
                client.writer.write(head if at == 0 else b"")
                client.writer.write(wire[at:at + max(1, len(wire) // 8)])
                await client.writer.drain()
                await asyncio.sleep(0.05)
            if not wire:
                await asyncio.sleep(0.4)
                client.writer.write(head)
        else:
            client.writer.write(head + wire)
        await client.writer.drain()
        return reusable

    async def stream(self, client, engine, head, fault):
        """Passed on as it comes, until either side ends it; cut: after a moment."""
        client.writer.write(head)
        end = asyncio.get_running_loop().time() + 0.4 if fault == "cut" else None
        while True:
            client.writer.write(engine.take(len(engine.buffer)))
            await client.writer.drain()
            left = None if end is None else max(0, end - asyncio.get_running_loop().time())
            await asyncio.wait([engine.more(), client.more()], timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if left == 0 or client.pending.done() or (engine.pending.done() and not engine.pending.result()):
                return False
