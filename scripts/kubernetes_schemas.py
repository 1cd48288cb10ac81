"""Manifests against schemas: custom resources against their definitions, the others against Kubernetes' own.

A definition is read as the API server reads it, except that a field that it does not name is a fault here: the server would
drop it without a word, and the manifest would not do what it seems to say.
"""

import jsonschema
import kubernetes_validate
import yaml


class Loader(yaml.CSafeLoader):
    """Takes the plain `=` of some definitions for text; to YAML 1.1 it is something else."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def documents_in(path):
    """The documents of a file that are not empty."""
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.load_all(file, Loader) if document]


def definitions_in(paths):
    """The schemas of custom resources in these files, by group, version and kind."""
    found = {}
    for definition in (document for path in paths for document in documents_in(path)):
        if definition.get("kind") != "CustomResourceDefinition":
            continue
        spec = definition["spec"]
        for version in spec["versions"]:
            name = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            found[name] = resource(version["schema"]["openAPIV3Schema"])
    return found


def resource(definition):
    """The schema of a whole resource, whose metadata the API server checks itself."""
    schema = closed(definition)
    schema["properties"].update(apiVersion={}, kind={}, metadata={"type": "object", "required": ["name", "namespace"]})
    return schema


def closed(node):
    """A definition's schema as JSON Schema that refuses unknown fields."""
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made = {key: value for key, value in node.items() if not key.startswith("x-kubernetes") and key not in ("format", "nullable")}
    if "properties" in made:
        made["properties"] = {name: closed(value) for name, value in made["properties"].items()}
    for key in ("items", "additionalProperties", "not"):
        if key in made:
            made[key] = closed(made[key])
    # Branches only restrict what the properties beside them describe.
    for key in ("oneOf", "anyOf", "allOf"):
        if key in made:
            made[key] = [branch(part) for part in made[key]]
    is_open = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in made
    if "properties" in made and not is_open:
        made["additionalProperties"] = False
    if node.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def branch(node):
    """The same without refusing anything that a branch does not name."""
    if isinstance(node, list):
        return [branch(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: branch(value) for key, value in node.items() if not str(key).startswith("x-kubernetes")}


def faults_of(manifest, definitions, kubernetes):
    """What is wrong with a manifest, for this version of Kubernetes."""
    schema = definitions.get((manifest["apiVersion"], manifest["kind"]))
    if schema:
        # Definitions say `exclusiveMaximum: true`, as the fourth draft does.
        for fault in jsonschema.Draft4Validator(schema).iter_errors(manifest):
            yield f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}"
        return
    try:
        kubernetes_validate.validate(manifest, kubernetes, strict=True)
    except kubernetes_validate.ValidationError as fault:
        yield f"{'.'.join(map(str, fault.path))}: {fault.message}"
    except kubernetes_validate.SchemaNotFoundError as fault:
        yield f"there is no schema: {fault}"
