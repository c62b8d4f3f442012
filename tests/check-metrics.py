#!/usr/bin/env python3
"""Are these figures in the text format that Prometheus takes (exposition format 0.0.4), and do the examples name only what is among them?

    tests/check-metrics.py FILE [PROMTOOL]        FILE: what /metrics answered

A parser of its own that takes no liberties: each family has HELP and TYPE before its samples, once, and its samples together; labels are quoted and escaped, values are numbers, no series is there twice,
counters end in _total, a summary has _sum and _count. With PROMTOOL that looks too, at the figures and at examples/monitoring."""
import json
import os
import re
import subprocess
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\S+)")
EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples", "monitoring")
ALWAYS = {"up"}  # Prometheus makes it


def family_of(name, types):
    for ending in ("_sum", "_count", "_bucket"):
        if name.endswith(ending) and types.get(name[: -len(ending)]) in ("summary", "histogram"):
            return name[: -len(ending)]
    return name


def parse(text):
    """Yields problems; fills names."""
    helps, types, seen, names, now, over = {}, {}, set(), set(), None, set()
    problems = []
    if not text.endswith("\n"):
        problems.append("the last line has no end")
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line):
            kind, name, rest = head.groups()
            if name in (helps if kind == "HELP" else types):
                problems.append(f"{number}: {kind} of {name} twice")
            (helps if kind == "HELP" else types)[name] = rest
            if kind == "TYPE" and rest not in ("counter", "gauge", "summary", "histogram", "untyped"):
                problems.append(f"{number}: there is no type {rest}")
            if kind == "TYPE" and rest == "counter" and not name.endswith("_total"):
                problems.append(f"{number}: a counter ends in _total")
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample:
            problems.append(f"{number}: no sample: {line!r}")
            continue
        name, labels, value = sample.groups()
        family = family_of(name, types)
        names.add(name)
        if family not in helps or family not in types:
            problems.append(f"{number}: {name} has no HELP or TYPE before it")
        if family != now:
            if family in over:
                problems.append(f"{number}: the samples of {family} do not stand together")
            over.add(now)
            now = family
        if (name, labels) in seen:
            problems.append(f"{number}: {name}{{{labels}}} is there twice")
        seen.add((name, labels))
        pairs = re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="', labels or "")
        if len(pairs) != len(set(pairs)):
            problems.append(f"{number}: a label twice")
        try:
            float(value)
        except ValueError:
            problems.append(f"{number}: {value} is no number")
    # A family that has no sample yet is known by its TYPE.
    for name, kind in types.items():
        names |= {name} if kind not in ("summary", "histogram") else {name + "_sum", name + "_count"}
    return problems, names


def named_in_examples():
    with open(os.path.join(EXAMPLES, "grafana.json"), encoding="utf-8") as f:
        board = json.load(f)
    texts = [t["expr"] for p in board["panels"] for t in p["targets"]]
    texts += [v["query"] for v in board["templating"]["list"]]
    with open(os.path.join(EXAMPLES, "alerts.yml"), encoding="utf-8") as f:
        texts += re.findall(r"^ *expr: (.+)$", f.read(), re.M)
    for text in texts:
        bare = re.sub(r'"[^"]*"', '""', text)  # what stands in quotes is no name
        for name in re.findall(NAME, bare):
            if name.startswith(("evenkeel_", "process_")) or name in ALWAYS:
                yield name, text


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        text = f.read()
    problems, names = parse(text)
    count = 0
    for name, where in named_in_examples():
        count += 1
        if name not in names | ALWAYS:
            problems.append(f"examples/monitoring names {name}, which /metrics does not give: {where}")
    if count < 20:
        problems.append(f"examples/monitoring names only {count} figures: they were not found")
    if len(sys.argv) > 2:
        tool = sys.argv[2]
        runs = [([tool, "check", "metrics"], text),
                ([tool, "check", "rules", os.path.join(EXAMPLES, "alerts.yml")], None),
                ([tool, "check", "config", "--syntax-only", os.path.join(EXAMPLES, "prometheus.yml")], None)]
        for command, given in runs:
            done = subprocess.run(command, input=given, capture_output=True, text=True)
            if done.returncode != 0:
                problems.append(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    for line in problems:
        print(line)
    sys.exit(1 if problems else 0)


main()
