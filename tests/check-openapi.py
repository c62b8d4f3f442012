#!/usr/bin/env python3
"""Is this an OpenAPI 3.1 document that a strict reader takes?

    tests/check-openapi.py FILE

Checks by itself what generators get wrong: references that lead nowhere, path parameters without a description or twice, operations without an answer or with an id that another has, security schemes that
are none. Then it asks openapi-spec-validator, where that can be had (tests/engine/tools.sh openapi); without a network it says so."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "engine"))
import openapi_fit  # noqa: E402

METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
OPERATION = {"operationId", "summary", "description", "security", "parameters", "requestBody", "responses", "tags"}
TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}


def references(value, at=""):
    if isinstance(value, dict):
        if "$ref" in value:
            yield at, value["$ref"]
        for key, x in value.items():
            yield from references(x, f"{at}/{key}")
    elif isinstance(value, list):
        for i, x in enumerate(value):
            yield from references(x, f"{at}/{i}")


def resolves(document, ref):
    if not ref.startswith("#/"):
        return False
    at = document
    for part in ref[2:].split("/"):
        if not isinstance(at, dict) or part not in at:
            return False
        at = at[part]
    return True


def schema_problems(schema, at):
    if "$ref" in schema:
        return
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in TYPES:
            yield f"{at}: there is no type {kind}"
    for name in schema.get("required", []):
        if name not in schema.get("properties", {}):
            yield f"{at}: {name} is required and not described"
    for name, x in schema.get("properties", {}).items():
        yield from schema_problems(x, f"{at}.{name}")
    if "items" in schema:
        yield from schema_problems(schema["items"], f"{at}[]")


def operation_problems(document, path, method, op, ids):
    at = f"{method.upper()} {path}"
    for key in set(op) - OPERATION:
        yield f"{at}: {key} is no part of an operation"
    if not op.get("summary"):
        yield f"{at}: no summary"
    if op.get("operationId") in ids:
        yield f"{at}: the id {op['operationId']} is another's"
    ids.add(op.get("operationId"))
    places = [(p["in"], p["name"]) for p in op.get("parameters", [])]
    if len(places) != len(set(places)):
        yield f"{at}: a parameter is there twice"
    if {n for i, n in places if i == "path"} != set(re.findall(r"{(\w+)}", path)):
        yield f"{at}: the parameters of the path are not those that are described"
    for p in op.get("parameters", []):
        if p["in"] == "path" and p.get("required") is not True:
            yield f"{at}: {p['name']} must be required"
        if p["in"] != "path" and not p.get("description"):
            yield f"{at}: nothing is said of the parameter {p['name']}"
        if "example" in p:
            yield from (f"{at}: the example of {p['name']}: {x}" for x in openapi_fit.misfits(document, p["schema"], p["example"]))
    answers = [s for s in op.get("responses", {}) if s != "default"]
    if not answers or any(not re.fullmatch("[1-5][0-9][0-9]", s) for s in answers):
        yield f"{at}: its answers are {answers}"
    for x in op.get("responses", {}).values():
        if "$ref" not in x and not x.get("description"):
            yield f"{at}: an answer without a description"
    for need in op.get("security", []):
        for name in need:
            if name not in document["components"]["securitySchemes"]:
                yield f"{at}: there is no security scheme {name}"


def sent(document):
    for methods in document["paths"].values():
        for op in methods.values():
            if "requestBody" in op:
                yield op["requestBody"]["content"]


def problems(document):
    if not str(document.get("openapi", "")).startswith("3.1."):
        yield "it is not OpenAPI 3.1"
    for key in ("title", "version"):
        if not document.get("info", {}).get(key):
            yield f"info lacks {key}"
    for at, ref in references(document):
        if not resolves(document, ref):
            yield f"{at}: {ref} leads nowhere"
    used = {ref for _, ref in references(document)}
    for name, schema in document["components"]["schemas"].items():
        yield from schema_problems(schema, name)
        for example in schema.get("examples", []):
            yield from (f"the example of {name}: {x}" for x in openapi_fit.misfits(document, schema, example))
        if f"#/components/schemas/{name}" not in used:
            yield f"nobody uses the schema {name}"
    for content in sent(document):
        for kind, x in content.items():
            schema = openapi_fit.resolve(document, x.get("schema", {}))
            if schema.get("properties") and not schema.get("examples"):
                yield f"what is sent as {kind} has no example: {sorted(schema['properties'])}"
    ids = set()
    for path, methods in document["paths"].items():
        if not path.startswith("/"):
            yield f"{path} does not begin with a slash"
        for method, op in methods.items():
            if method not in METHODS:
                yield f"{path}: there is no method {method}"
            else:
                yield from operation_problems(document, path, method, op, ids)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        document = json.load(f)
    found = list(problems(document))
    for line in found:
        print(f"{sys.argv[1]}: {line}")
    tools = os.path.join(os.path.dirname(os.path.abspath(__file__)), "engine", "tools.sh")
    have = subprocess.run([tools, "openapi"], capture_output=True, text=True)
    if have.returncode != 0:
        print("note: openapi-spec-validator cannot be had here, so only this script has looked")
    elif subprocess.run([have.stdout.strip(), sys.argv[1]]).returncode != 0:
        found.append("openapi-spec-validator")
    sys.exit(1 if found else 0)


main()
