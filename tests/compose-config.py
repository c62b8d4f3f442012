#!/usr/bin/env python3
"""Compares `evenkeel convert` with `docker compose config` on every file of tests/compose_config: each is resolved by both, both answers are brought into one form, and
whatever is left of a difference is shown.

    tests/compose-config.py [NAME...]        EVENKEEL names another program than build/evenkeel

What differs by design is taken out of both answers by the rows of BY_DESIGN, each with its reason, and nowhere else."""
import difflib
import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "compose_config")


def services(model):
    return model.get("services", {}).values()


def profiles(model):
    for s in services(model):
        s.pop("profiles", None)


def unset_variables(model):
    for s in services(model):
        env = s.get("environment") or {}
        s["environment"] = {k: v for k, v in env.items() if v is not None}


def block_devices(model):
    for s in services(model):
        blkio = s.get("blkio_config") or {}
        for value in blkio.values():
            for row in value if isinstance(value, list) else []:
                for key in list(row):
                    row[key.lower()] = size(row.pop(key))


def modes(model):
    for s in services(model):
        for use in (s.get("secrets") or []) + (s.get("configs") or []):
            if "mode" in use:
                use["mode"] = mode(use["mode"])
        for mount in s.get("volumes") or []:
            if "mode" in mount.get("tmpfs", {}):
                mount["tmpfs"]["mode"] = mode(mount["tmpfs"]["mode"])


def watch(model):
    for s in services(model):
        for row in (s.get("develop") or {}).get("watch", []):
            row.pop("exec", None)


def extensions(model):
    for s in services(model):
        for key in [k for k in s if k.startswith("x-")]:
            del s[key]


def order(model):
    for s in services(model):
        for key in ("cap_add", "cap_drop", "expose", "extra_hosts"):
            if key in s:
                s[key] = sorted(map(str, s[key]))


def mode(value):
    return int(value, 8) if isinstance(value, str) else value


def size(value):
    m = re.fullmatch(r"(\d+)([kmg])b?", str(value))
    return str(int(m[1]) << {"k": 10, "m": 20, "g": 30}[m[2]]) if m else str(value)


BY_DESIGN = [
    (profiles, "a service that is printed is part of the app; which profile it was in says no more"),
    (unset_variables, "a variable without a value is passed on from a user's shell, and an agent has none"),
    (block_devices, "2.26 prints the keys of these rows with a capital, and reads them without"),
    (modes, "file modes are printed as they were written, in octal; 2.26 prints them in decimal"),
    (watch, "2.26 prints a key that nobody wrote"),
    (extensions, "2.26 drops these keys of services, unlike those at the top; they are kept"),
    (order, "the order means nothing, and 2.26 sorts some of them"),
]


def plain(value):
    """Numbers and truth values as texts, and without what says nothing."""
    if isinstance(value, dict):
        pairs = {str(k): plain(v) for k, v in value.items()}
        return {k: v for k, v in pairs.items() if v not in (None, {}, [])}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, str) and re.fullmatch(r"\d+\.\d+", value)):
        return repr(float(value))
    return value if value is None else str(value)


def normal(text):
    model = json.loads(text)
    for rewrite, _ in BY_DESIGN:
        rewrite(model)
    return json.dumps(plain(model), indent=1, sort_keys=True, ensure_ascii=False)


def run(*argv):
    # Compose would take variables from the caller's environment, and this is not about them.
    return subprocess.run(argv, capture_output=True, text=True, cwd=HERE,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, check=False)


def compare(evenkeel, compose, path):
    """Why they differ, or None."""
    ours = run(evenkeel, "convert", "--json", path)
    if ours.returncode:
        return "evenkeel convert: " + ours.stderr
    name = json.loads(ours.stdout)["name"]
    files = ["-f", path]
    over = re.sub(r"\.yaml$", ".override.yaml", path)
    if os.path.exists(over):
        files += ["-f", over]
    theirs = run(compose, *files, "-p", name, "config", "--format", "json")
    if theirs.returncode:
        return "docker compose config: " + theirs.stderr
    want, have = normal(theirs.stdout), normal(ours.stdout)
    if want != have:
        return "\n".join(difflib.unified_diff(want.split("\n"), have.split("\n"), "docker compose config",
                                              "evenkeel convert", lineterm="", n=2))
    # What is printed as YAML needs no other file, and says the same.
    again = run(evenkeel, "convert", path).stdout
    told = subprocess.run((compose, "-f", "-", "-p", name, "config", "--format", "json"), input=again, text=True,
                          capture_output=True, cwd="/", check=False,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    if told.returncode or normal(told.stdout) != want:
        return f"docker compose reads the YAML of evenkeel convert otherwise: {told.stderr}\n" + "\n".join(
            difflib.unified_diff(want.split("\n"), normal(told.stdout or "{}").split("\n"), lineterm="", n=2))
    return None


def program(which):
    """Debian 13's docker compose, or why it cannot be had."""
    tool = subprocess.run([os.path.join(os.path.dirname(HERE), "engine", "tools.sh"), which], capture_output=True,
                          text=True, check=False)
    return tool.stdout.strip(), tool.stderr.strip().split("\n")[-1]


def main():
    evenkeel = os.path.abspath(os.environ.get("EVENKEEL", os.path.join(HERE, "../../build/evenkeel")))
    compose, trouble = program("compose")
    if not compose:
        print(f"skip comparing with docker compose config: {trouble}\n0 passed, 0 failed, 1 skipped")
        return 0
    failed = passed = 0
    for path in sorted(glob.glob(os.path.join(HERE, "*.yaml"))):
        name = os.path.basename(path)[:-5]
        if name.endswith(".override") or (sys.argv[1:] and name not in sys.argv[1:]):
            continue
        why = compare(evenkeel, compose, path)
        if why:
            failed += 1
            print(f"FAIL {name}: {why}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


sys.exit(main())
