"""The schema of `settings`, made from config/ratekeeper.yaml, so that it knows exactly the settings of the binary."""
import re

import yaml

LINE = re.compile(r"^(?P<indent> *)(?P<key>[a-z_]+):")
# Words that a setting may be, where its type is not all there is to say. The binary itself refuses what is not right here.
WORDS = {
    "store": ["local", "redis"],
    "redis.topology": ["single", "sentinel", "proxy", "cluster", "ring"],
    "redis_per_second.topology": ["single", "sentinel", "proxy", "cluster", "ring"],
    "counting.denied_requests": ["count", "ignore"],
    "fallback.on_store_failure": ["local", "allow", "deny"],
    "grpc.tls.client_certificate": ["required", "optional"],
    "log.format": ["text", "json"],
    "metrics.statsd.format": ["statsd", "dogstatsd"],
    "tracing.protocol": ["grpc", "http"],
}
# A number or a word.
MIXED = {"fallback.replicas": {"anyOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}}


def meanings(text):
    """What the comment lines above each setting say."""
    found, parents, lines = {}, [], []
    for line in text.splitlines():
        if line.strip().startswith("#"):
            lines.append(line.strip()[1:].strip())
        elif match := LINE.match(line):
            parents[len(match["indent"]) // 2:] = [match["key"]]
            found[".".join(parents)] = " ".join(lines)
            lines = []
        else:
            lines = []
    return found


def of_value(path, value, told):
    """The schema of one setting, by its default."""
    if path in MIXED:
        kind = MIXED[path]
    elif path in WORDS:
        assert value in WORDS[path], f"{path}: {value} is none of {WORDS[path]}"
        kind = {"type": "string", "enum": WORDS[path]}
    elif isinstance(value, bool):
        kind = {"type": "boolean"}
    elif isinstance(value, int):
        kind = {"type": "integer", "minimum": 0}
    elif isinstance(value, float):
        kind = {"type": "number", "minimum": 0}
    elif isinstance(value, list):
        kind = {"type": "array", "items": {"type": "string"}}
    elif isinstance(value, str):
        kind = of_text(value)
    elif value == {}:
        kind = {"type": "object", "additionalProperties": {"type": "string"}}
    else:
        inner = {key: of_value(f"{path}.{key}" if path else key, item, told) for key, item in value.items()}
        kind = {"type": "object", "additionalProperties": False, "properties": inner}
    return {"description": told[path], **kind} if told.get(path) else kind


def of_text(value):
    if re.fullmatch(r"\d+(us|ms|s|m|h|d)", value):
        # Beside a description, draft 7 would not look at a plain $ref.
        return {"allOf": [{"$ref": "#/definitions/duration"}]}
    if re.fullmatch(r"\d+(B|KiB|MiB|GiB)", value):
        return {"allOf": [{"$ref": "#/definitions/size"}]}
    return {"type": "string"}


def schema(text):
    """The schema of the whole tree."""
    made = of_value("", yaml.safe_load(text), meanings(text))
    return {"description": "Settings of ratekeeper.yaml; made by helm/checks/derived.py from config/ratekeeper.yaml", **made}
