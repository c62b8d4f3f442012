#!/usr/bin/env python3
"""The crash campaign on a real engine: seeded runs, each an agent of its own with three apps, that something happens to.

  campaign.py --engine SOCKET --evenkeel PROGRAM [--first N] [--runs N] [--jobs N] [--only KIND] [--eio SHIM.so] [--spare DIR] [--folder DIR]

By seed, a run is one of these: nth (one call of the agent meets a fault of fault_proxy.py), rain (many do), kill (the agent is killed at random
moments, again and again), full and eio (its state directory fails), engine (the engine itself is killed; those run on an engine of their own, see
--spare). While that happens, files change, vanish and break, and hands interfere. Then it stops, and the agent alone must bring everything to what
the files say: nothing twice, nothing left over, no volume lost, nothing touched that is not its own, and the next plan is empty.

Prints a line for each run that fails, with its seed, and closes with "N passed, N failed". --first N --runs 1 repeats one. Standard library only.
"""
import argparse
import asyncio
import collections
import glob
import itertools
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from campaign_world import Engine, EngineError, World
from fault_proxy import FaultProxy

PATIENCE = 120  # seconds until everything must be as the files say
CALLS = [
    "HEAD /_ping", "GET /version", "GET /info", "GET /events", "GET /containers/json", "GET /containers/*/json", "GET /networks",
    "GET /networks/*", "GET /volumes", "GET /volumes/*", "GET /images/*/json", "POST /networks/create", "POST /volumes/create", "POST /containers/create",
    "POST /containers/*/start", "POST /containers/*/stop", "POST /containers/*/rename", "DELETE /containers/*", "DELETE /networks/*",
    "GET /containers/*/logs", "POST /containers/*/unpause", "POST /networks/*/connect",
]
FAULTS = ["drop", "lost", "hang", "late", "403", "409", "500", "slow", "half", "json"]
EACH = [(c, f, n) for c, f, n in itertools.product(CALLS, FAULTS, (1, 2, 4))] + [("GET /events", "cut", n) for n in (1, 2, 3)]
EACH += [("any call", f, n) for f, n in itertools.product(FAULTS, range(1, 61))]
random.Random(0).shuffle(EACH)
TURNS = ["engine", "full", "eio"] + ["kill"] * 4 + ["rain"] * 3 + ["nth"] * 10


def kind_of_seed(seed):
    return TURNS[seed % len(TURNS)]


def hangs(path):
    """The engine waits for itself: 20.10.24 and older take two locks in two orders when containers leave one network (moby/moby#46661). Its own word
    for it: what its goroutines wait for. An engine that hangs for another reason is a failure as any other."""
    try:
        Engine(path).call("GET", "/networks")
        return False
    except TimeoutError:
        pass
    except (OSError, EngineError):
        return False
    folder = os.path.dirname(path)
    with open(os.path.join(folder, "pid"), encoding="ascii") as file:
        os.kill(int(file.read()), signal.SIGUSR1)
    for _ in range(50):
        for name in glob.glob(os.path.join(folder, "exec", "goroutine-stacks-*.log")):
            with open(name, encoding="utf-8") as file:
                waiting = [g for g in file.read().split("\n\n") if "[semacquire" in g]
            if all(any(f"{word}(" in g for g in waiting) for word in ("processEndpointDelete", "getSvcRecords")):
                return True
        time.sleep(0.2)
    return False


class EngineLost(Exception):
    """dockerd does not start any more (20.10 may leave a network without addresses behind and fall over it): nobody can go on from there."""


class Run:
    def __init__(self, options, seed, engine_path):
        self.options, self.seed = options, seed
        self.kind = options.only or kind_of_seed(seed)
        self.rng = random.Random(seed)
        self.dir = tempfile.mkdtemp(prefix=f"{seed}.", dir=options.work)
        self.root, self.state, self.log_path = (os.path.join(self.dir, n) for n in ("apps", "state", "agent.log"))
        os.mkdir(self.root)
        os.mkdir(self.state)
        self.engine = Engine(engine_path)
        self.world = World(self.engine, seed, self.root, self.rng)
        self.proxy = FaultProxy(os.path.join(self.dir, "p"), engine_path, self.plan)
        self.agent, self.raining, self.calm, self.problems, self.story = None, False, False, [], []
        self.chosen = EACH[self.rng.randrange(len(EACH))] if self.kind == "nth" else None
        self.rate = self.rng.choice((0.05, 0.15, 0.4))
        self.weather = random.Random(seed + 1)
        self.switch, self.lost, self.path = os.path.join(self.dir, "eio"), None, engine_path

    # ---- faults ----

    def plan(self, kind, nth):
        if self.calm:
            return None
        if self.kind == "nth":
            call, fault, number = self.chosen
            return fault if (kind == call and nth == number) or (call == "any call" and len(self.proxy.calls) + 1 == number) else None
        if self.kind != "rain" or not self.raining or self.weather.random() >= self.rate:
            return None
        return self.weather.choice(FAULTS if kind != "GET /events" else ["drop", "cut", "500"])

    def break_disk(self):
        self.tell("the state directory fails")
        if self.kind == "eio":
            with open(self.switch, "w", encoding="ascii"):
                pass
            return
        ballast = os.open(os.path.join(self.state, "ballast"), os.O_WRONLY | os.O_CREAT)
        try:
            while os.write(ballast, bytes(4096)):
                pass
        except OSError:
            pass
        os.close(ballast)

    def mend_disk(self):
        path = self.switch if self.kind == "eio" else os.path.join(self.state, "ballast")
        if os.path.exists(path):
            os.unlink(path)
            self.tell("the state directory works")

    def tell(self, words):
        self.story.append(f"{time.monotonic() - self.began:6.2f} {words}")

    # ---- the agent ----

    def command(self, verb, *more):
        return [self.options.evenkeel, verb, "--root", self.root, "--state", self.state, "--name", self.world.owner,
                "--docker", "unix://" + self.proxy.listen, *more]

    def start_agent(self):
        env = {**os.environ, "EVENKEEL_CONFIG": os.path.join(self.dir, "agent.yaml")}
        if self.kind == "eio":
            env |= {"LD_PRELOAD": self.options.eio, "EIO_BELOW": self.state, "EIO_WHILE": self.switch,
                    "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")}
        with open(self.log_path, "ab") as log:
            self.agent = subprocess.Popen(self.command("agent", "--listen", "none"), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.tell("agent starts")

    def refused(self, agent):
        return agent.poll() == 1 and any(line.startswith("evenkeel: cannot ") for line in self.log()[-1:])

    async def supervise(self):
        """As systemd would: an agent that cannot have its state directory ends, and is started again."""
        while True:
            await asyncio.sleep(0.5)
            if self.agent and self.refused(self.agent):
                self.tell("the agent refused to begin")
                self.start_agent()

    async def end_agent(self, how=signal.SIGTERM):
        if not self.agent:
            return
        agent, self.agent = self.agent, None
        if self.refused(agent):
            return
        if agent.poll() is not None:
            self.problems.append(f"the agent ended by itself with {agent.returncode}")
            return
        self.tell(f"agent gets {how.name}")
        agent.send_signal(how)
        try:
            status = await asyncio.to_thread(agent.wait, 20)
        except subprocess.TimeoutExpired:
            agent.kill()
            self.problems.append("the agent does not end within 20 s")
            return
        if how == signal.SIGTERM and status not in (0, -signal.SIGTERM):
            self.problems.append(f"the agent's exit status is {status}")

    def log(self):
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    # ---- what happens ----

    async def hand(self):
        app = self.rng.choice(self.world.apps)
        name = self.rng.choice(app.containers())
        what = self.rng.choice([("DELETE", "?force=1"), ("POST", "/stop?t=0"), ("POST", "/kill"), ("POST", "/pause")])
        if not app.there or app.was_broken:
            return
        self.tell(f"by hand: {what[0]} {name}{what[1]}")
        try:
            await asyncio.to_thread(self.engine.call, what[0], f"/containers/{name}{what[1]}", None, (404, 409))
        except (OSError, EngineError) as problem:
            self.tell(str(problem))

    def edit(self, turn):
        app = self.rng.choice(self.world.apps)
        what = self.rng.choice(["change", "change", "change", "remove", "spoil"])
        if what == "remove" and (not app.there or sum(a.there for a in self.world.apps) < 3):
            what = "change"
        if what == "spoil" and not app.there:
            what = "change"
        self.tell(f"{what} {app.name}")
        if what == "change":
            self.world.change(app, f"v{turn}")
        elif what == "remove":
            self.world.remove(app)
        else:
            self.world.spoil(app)

    async def disturb(self):
        steps = self.rng.randrange(3, 7)
        self.raining = True
        for turn in range(steps):
            await asyncio.sleep(self.rng.uniform(0.05, 0.6))
            if self.rng.random() < 0.3:
                await self.hand()
            else:
                self.edit(turn)
            if self.kind == "kill" or (self.kind in ("rain", "full", "eio") and self.rng.random() < 0.15):
                await asyncio.sleep(self.rng.uniform(0, 0.4))
                await self.end_agent(signal.SIGKILL)
                self.start_agent()
            if self.kind in ("full", "eio") and turn == 0:
                self.break_disk()
            if self.kind == "engine" and turn in (1, 3):
                await self.break_engine()
        await asyncio.sleep(self.rng.uniform(0.1, 0.8))
        self.raining = False

    async def break_engine(self):
        script, folder = self.options.engine_script, self.options.spare
        how = self.rng.choice(["crash", "halt"])
        self.tell(f"engine: {how}")
        await asyncio.to_thread(subprocess.run, [script, how, folder], check=True, capture_output=True)
        await asyncio.sleep(self.rng.uniform(0, 1.0))
        again = await asyncio.to_thread(subprocess.run, [script, "resume", folder], capture_output=True, text=True)
        if again.returncode != 0:
            raise EngineLost("the engine cannot read what it wrote itself: " + again.stderr[-200:])
        self.tell("engine is back")

    # ---- from the beginning to the end ----

    async def wait_converged(self, patience):
        end = time.monotonic() + patience
        while True:
            try:
                left = await asyncio.to_thread(self.world.differences)
            except (OSError, EngineError) as problem:
                left = [str(problem)]
            if not left or time.monotonic() > end:
                return left
            await asyncio.sleep(0.2)

    async def live(self):
        with open(os.path.join(self.dir, "agent.yaml"), "w", encoding="utf-8") as file:
            file.write("ingress: none\nlisten: none\nnetwork: {pool: 10.%d.0.0/16}\n" % (100 + self.seed % 100))
        await asyncio.to_thread(self.world.clear)  # of a run of this seed that was cut short
        await asyncio.to_thread(self.world.place_others)
        for app in self.world.apps:
            self.world.write(app)
        self.start_agent()
        if self.rng.random() < 0.5:
            self.tell("first let everything come up")
            await self.wait_converged(PATIENCE if self.kind != "nth" else 2)
        await self.disturb()
        for app in self.world.apps:
            if app.was_broken:
                self.world.write(app)
        self.calm = True
        self.proxy.release()
        self.mend_disk()
        self.tell("all is quiet")
        left = await self.wait_converged(PATIENCE)
        if left and self.kind == "engine" and any("failed to start shim: mkdir" in e for e in await asyncio.to_thread(self.world.start_errors)):
            raise EngineLost("containerd kept what is left of a task that it was starting: nobody can start that container any more")
        self.problems += [f"not within {PATIENCE} s: {d}" for d in left]

    async def judge(self):
        await asyncio.to_thread(self.world.note_volumes)
        await asyncio.sleep(0.1)
        if self.kind in ("full", "eio"):
            await self.judge_recovery()
        await self.end_agent()
        self.problems += await asyncio.to_thread(self.world.violations)
        plan = await asyncio.to_thread(subprocess.run, self.command("plan"), capture_output=True, text=True, timeout=60)
        if plan.returncode != 0:
            self.problems.append(f"the next plan is not empty ({plan.returncode}): {plan.stdout[:600]}{plan.stderr[:300]}")
        text = "\n".join(self.log())
        for word in ("Sanitizer", "runtime error:", "Assertion", "must not happen"):
            if word in text:
                self.problems.append(f"the agent's log says: {word}")

    async def judge_recovery(self):
        """After a disk that failed: the diary is written again, and one trouble was not told a hundred times."""
        app = self.world.apps[0]
        self.world.change(app, "recovered")
        self.problems += await self.wait_converged(PATIENCE)
        await asyncio.sleep(0.3)
        history = subprocess.run([self.options.evenkeel, "history", app.name, "--state", self.state, "--limit", "1"], capture_output=True, text=True)
        if history.returncode != 0 or app.name not in history.stdout:
            self.problems.append(f"no history after the recovery: {history.stdout}{history.stderr}")
        told = collections.Counter()
        for line in self.log():
            stamp, _, words = line.partition(" ")
            if f", owner {self.world.owner}: " in line:  # another life
                told.clear()
            if any(w in words for w in ("No space left", "Input/output", "I/O", "disk is full")) and stamp != "evenkeel:":
                told[words] += 1
                if told[words] == 3:
                    self.problems.append(f"told again and again: {words}")

    async def whole(self):
        self.began = time.monotonic()
        mounted, keeper = False, None
        try:
            if self.kind == "full":
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", self.state], check=True)
                mounted = True
            await self.proxy.start()
            if self.kind in ("full", "eio"):
                keeper = asyncio.ensure_future(self.supervise())
            await self.live()
            await self.judge()
        except EngineLost as problem:
            self.lost, self.problems = str(problem), []
        except Exception as problem:  # pylint: disable=broad-except
            self.problems.append(f"{type(problem).__name__}: {problem}")
        finally:
            if keeper:
                keeper.cancel()
            if self.agent:
                self.agent.kill()
                self.agent.wait()
            await self.proxy.stop()
            if mounted:
                subprocess.run(["umount", "-l", self.state], check=False)
            try:
                await asyncio.to_thread(self.world.clear)
            except (OSError, EngineError) as problem:
                self.tell(f"clearing: {problem}")
        if self.problems and await asyncio.to_thread(hangs, self.path):
            self.lost, self.problems = "its own locks block it (moby/moby#46661)", []
        return not self.problems

    def report(self):
        title = f"seed {self.seed} ({self.kind}{'' if not self.chosen else ': %s of %s, number %d' % (self.chosen[1], self.chosen[0], self.chosen[2])})"
        print(f"FAIL {title}; again: CAMPAIGN_SEED={self.seed} make campaign")
        for problem in self.problems[:8]:
            print(f"     {problem}")
        print("     what happened:")
        for line in self.story:
            print(f"     | {line}")
        faults = [f"{k} -> {f}" for k, _, f in self.proxy.calls if f]
        if faults:
            print(f"     faults: {', '.join(faults[:30])}")
        for line in self.log()[-25:]:
            print(f"     > {line}")
        sys.stdout.flush()


# ---- many ----


class Campaign:
    def __init__(self, options):
        self.options = options
        self.failed, self.passed, self.kinds, self.faults = [], 0, collections.Counter(), collections.Counter()
        self.skipped = collections.Counter()
        self.spare = asyncio.Lock()
        self.well, self.living, self.over = asyncio.Event(), 0, False  # of the engine that all share
        self.well.set()

    async def one(self, seed, jobs):
        kind = self.options.only or kind_of_seed(seed)
        if (kind == "engine" and not self.options.spare) or (kind == "eio" and not self.options.eio):
            self.skipped[kind] += 1
            return
        if kind == "engine":
            async with self.spare:
                if not await self.judged(Run(self.options, seed, os.path.join(self.options.spare, "docker.sock"))):
                    await asyncio.to_thread(self.renew, self.options.spare)
            return
        async with jobs:
            await self.shared(seed)

    async def shared(self, seed):
        await self.well.wait()
        if self.over:
            return
        self.living += 1
        if not await self.judged(Run(self.options, seed, self.options.engine)):
            self.well.clear()
        self.living -= 1
        if self.well.is_set() or self.living > 0:
            return
        if self.options.folder:
            await asyncio.to_thread(self.renew, self.options.folder)
        else:
            self.over = True
        self.well.set()

    async def judged(self, run):
        """False if the engine was lost on the way; then the run says nothing."""
        fine = await run.whole()
        if run.lost:
            self.skipped["engine: " + run.lost.split("\n")[0]] += 1
            shutil.rmtree(run.dir, ignore_errors=True)
            return False
        self.kinds[run.kind] += 1
        self.faults.update(f for _, _, f in run.proxy.calls if f)
        if fine:
            self.passed += 1
        else:
            self.failed.append(run.seed)
            run.report()
        if self.options.verbose:
            print(f"{'ok  ' if fine else 'bad '} seed {run.seed} {run.kind} {' '.join(map(str, run.chosen or ()))} {sum(1 for c in run.proxy.calls if c[2])} faults, {time.monotonic() - run.began:.1f} s", flush=True)
        if fine or not self.options.keep:
            shutil.rmtree(run.dir, ignore_errors=True)
        return True

    def renew(self, folder):
        script = self.options.engine_script
        modern = []
        with open(os.path.join(folder, "engine.state"), encoding="ascii") as file:
            if "modern=yes\n" in file.readlines():
                modern = ["--modern"]
        for words in (["crash", folder], ["stop", folder], ["start", folder, "--netns", *modern]):
            subprocess.run([script, *words], check=True, capture_output=True)
        subprocess.run([os.path.join(os.path.dirname(script), "standins.sh"), "--no-pull", "busybox:stable"], check=True, capture_output=True,
                       env={**os.environ, "DOCKER_HOST": f"unix://{folder}/docker.sock"})

    async def all(self):
        jobs = asyncio.Semaphore(self.options.jobs)
        end = time.monotonic() + self.options.seconds if self.options.seconds else None
        seeds = iter(range(self.options.first, self.options.first + self.options.runs))

        async def lane(kinds):
            for seed in seeds if kinds is None else iter(kinds):
                if end and time.monotonic() > end:
                    return
                await self.one(seed, jobs)

        mine = list(seeds)
        engines = [s for s in mine if (self.options.only or kind_of_seed(s)) == "engine"]
        seeds = iter([s for s in mine if s not in set(engines)])
        await asyncio.gather(lane(engines), *(lane(None) for _ in range(self.options.jobs)))

    def close(self, took):
        counts = ", ".join(f"{k} {n}" for k, n in sorted(self.kinds.items()))
        faults = ", ".join(f"{k} {n}" for k, n in sorted(self.faults.items()))
        print(f"     runs: {counts}; faults met: {faults or 'none'}; {took:.0f} s")
        for kind, n in self.skipped.items():
            why = {"engine": "no engine of their own", "eio": "no shim"}.get(kind, "")
            print(f"     runs left out: {n} of {kind}{': ' if why else ''}{why}")
        if self.failed:
            print(f"     failed seeds: {' '.join(map(str, sorted(self.failed)))}")
        print(f"{self.passed} passed, {len(self.failed)} failed, {sum(self.skipped.values())} skipped")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--engine", required=True)
    options.add_argument("--evenkeel", required=True)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--jobs", type=int, default=4)
    options.add_argument("--seconds", type=float, default=0, help="begin no further run after that")
    options.add_argument("--only", choices=sorted(set(TURNS)))
    options.add_argument("--eio", help="shim that makes calls fail")
    options.add_argument("--spare", help="folder of an engine (engine.sh start) that may be killed")
    options.add_argument("--folder", help="folder of the engine of --engine, if it may be started anew when it is lost")
    options.add_argument("--keep", action="store_true", help="keep the files of runs that fail")
    options.add_argument("--verbose", action="store_true")
    options = options.parse_args()
    options.engine_script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "engine.sh")
    options.work = tempfile.mkdtemp(prefix="evk-campaign.", dir="/tmp")
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # connections that break are what this is about
    began, campaign = time.monotonic(), Campaign(options)
    try:
        asyncio.run(campaign.all())
    finally:
        if not (options.keep and campaign.failed):
            shutil.rmtree(options.work, ignore_errors=True)
    campaign.close(time.monotonic() - began)
    sys.exit(1 if campaign.failed or not campaign.passed else 0)


main()
