"""Does a value fit a schema of the API's description? Of JSON Schema it knows what that document uses, and complains of anything else."""
import re

KNOWN = {"$ref", "type", "properties", "required", "additionalProperties", "items", "enum", "format", "pattern", "examples", "contentMediaType", "description"}
KINDS = {
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "array": lambda v: isinstance(v, list),
    "object": lambda v: isinstance(v, dict),
    "null": lambda v: v is None,
}


def resolve(document, schema):
    while "$ref" in schema:
        at = document
        for part in schema["$ref"][2:].split("/"):
            at = at[part]
        schema = at
    return schema


def misfits(document, schema, value, at=""):
    schema = resolve(document, schema)
    for key in set(schema) - KNOWN:
        yield f"{at}: this checker does not know {key}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(KINDS[k](value) for k in kinds):
        yield f"{at or 'it'} is no {' or '.join(kinds)}: {value!r:.60}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at or 'it'} is none of {schema['enum']}: {value!r:.60}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at or 'it'} does not match {schema['pattern']}: {value!r:.60}"
    if schema.get("format") == "date-time" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value):
        yield f"{at or 'it'} is no time: {value!r:.60}"
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}.{name} is missing"
        for name, x in value.items():
            if name in schema.get("properties", {}):
                yield from misfits(document, schema["properties"][name], x, f"{at}.{name}")
            elif schema.get("additionalProperties", True) is False:
                yield f"{at}.{name} is described nowhere"
    if isinstance(value, list) and "items" in schema:
        for i, x in enumerate(value):
            yield from misfits(document, schema["items"], x, f"{at}[{i}]")
