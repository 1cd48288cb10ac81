"""Validates Kubernetes manifests: custom resources by their definitions, the others by Kubernetes' own schemas.

A definition is read as the API server reads it, except that a field that it does not name is a fault here: the server would
drop it without a word, and the manifest would not do what it seems to say.
"""

import argparse
import sys

import jsonschema
import kubernetes_validate
import yaml

# The newest version that kubernetes-validate knows.
KUBERNETES = "1.37"


def schema_of(node):
    """A definition's schema as JSON Schema that refuses unknown fields."""
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    made = {key: value for key, value in node.items() if not key.startswith("x-kubernetes") and key not in ("format", "nullable")}
    if "properties" in made:
        made["properties"] = {name: schema_of(value) for name, value in made["properties"].items()}
    for key in ("items", "additionalProperties", "not"):
        if key in made:
            made[key] = schema_of(made[key])
    # Branches only restrict what the properties beside them describe.
    for key in ("oneOf", "anyOf", "allOf"):
        if key in made:
            made[key] = [branch_of(branch) for branch in made[key]]
    is_open = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in made
    if "properties" in made and not is_open:
        made["additionalProperties"] = False
    if node.get("nullable") and "type" in made:
        made["type"] = [made["type"], "null"]
    return made


def branch_of(node):
    """The same without refusing anything that a branch does not name."""
    if isinstance(node, list):
        return [branch_of(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: branch_of(value) for key, value in node.items() if not str(key).startswith("x-kubernetes")}


def definitions_in(path):
    with open(path, encoding="utf-8") as file:
        for definition in yaml.safe_load_all(file):
            if not definition or definition.get("kind") != "CustomResourceDefinition":
                continue
            spec = definition["spec"]
            for version in spec["versions"]:
                name = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                yield name, version["schema"]["openAPIV3Schema"]


def faults_of(manifest, schemas):
    name = (manifest["apiVersion"], manifest["kind"])
    if name not in schemas:
        try:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield str(error)
        return
    schema = schema_of(schemas[name])
    schema["properties"].update(apiVersion={}, kind={}, metadata={"type": "object", "required": ["name", "namespace"]})
    # Definitions say `exclusiveMaximum: true`, as the fourth draft does.
    for error in jsonschema.Draft4Validator(schema).iter_errors(manifest):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", nargs="+", required=True)
    parser.add_argument("--manifests", nargs="+", required=True)
    arguments = parser.parse_args()
    schemas = dict(entry for path in arguments.definitions for entry in definitions_in(path))
    count = faults = 0
    for path in arguments.manifests:
        with open(path, encoding="utf-8") as file:
            documents = [document for document in yaml.safe_load_all(file) if document]
        # Rule files and values for the chart stand beside the manifests.
        for manifest in (document for document in documents if "kind" in document):
            count += 1
            for fault in faults_of(manifest, schemas):
                faults += 1
                print(f"{path}: {manifest['kind']} {manifest['metadata']['name']}: {fault}", file=sys.stderr)
    if faults or count < 10:
        sys.exit(f"manifests: {faults} faults in {count} manifests")
    print(f"manifests: {count} manifests are as their schemas want them")


main()
