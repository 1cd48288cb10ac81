"""Checks rendered manifests: manifests.py VERSION CRDS FILE…

Each document against the schemas of that version of Kubernetes, or against those of its custom resource definition, which
is in one of the files in CRDS (with colons between); all of a file for how they fit together, and for the
restricted pod security standard.
"""
import functools
import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

import coherence
import restricted

version, crds, *files = sys.argv[1:]


class Loader(yaml.CSafeLoader):
    """Takes the plain `=` of some definitions for text; to YAML 1.1 it is something else."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


@functools.cache
def definitions():
    """The schemas of custom resources, by group, version and kind."""
    found = {}
    for path in crds.split(":"):
        for document in yaml.load_all(pathlib.Path(path).read_text(), Loader):
            if document and document["kind"] == "CustomResourceDefinition":
                spec = document["spec"]
                for served in spec["versions"]:
                    key = (f"{spec['group']}/{served['name']}", spec["names"]["kind"])
                    found[key] = closed(served["schema"]["openAPIV3Schema"])
    return found


def closed(schema):
    """Refuses what the API server would drop without a word."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()}
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("type", None)
        made.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    if isinstance(made.get("properties"), dict) and "additionalProperties" not in made:
        if not made.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    return made


def faults_of(document):
    group_and_kind = (document["apiVersion"], document["kind"])
    if group_and_kind in definitions():
        schema = definitions()[group_and_kind]
        # metadata is checked by the API server itself, and so left open in the definition.
        schema = {**schema, "properties": {**schema["properties"], "metadata": {"type": "object"}}}
        for fault in jsonschema.Draft7Validator(schema).iter_errors(document):
            yield f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}"
        return
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as fault:
        yield f"{'.'.join(map(str, fault.path))}: {fault.message}"
    except kubernetes_validate.SchemaNotFoundError as fault:
        yield f"there is no schema: {fault}"


count, found = 0, []
for file in files:
    documents = [document for document in yaml.load_all(pathlib.Path(file).read_text(), Loader) if document]
    for document in documents:
        count += 1
        for fault in [*faults_of(document), *restricted.violations(document)]:
            found.append(f"{file}: {document['kind']} {document['metadata']['name']}: {fault}")
    found += [f"{file}: {fault}" for fault in coherence.faults(documents)]
print("\n".join(found), end="\n" if found else "")
print(f"{count} manifests in {len(files)} files against Kubernetes {version}: {len(found)} faults")
sys.exit(1 if found or not count else 0)
