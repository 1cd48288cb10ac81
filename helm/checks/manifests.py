"""Checks rendered manifests: manifests.py VERSION CRDS FILE…

Each document against the schemas of that version of Kubernetes, or against those of its custom resource definition, which
is in one of the files in CRDS (with colons between); all of a file for how they fit together, and for the
restricted pod security standard.
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

import coherence  # noqa: E402 (the path has to be set first)
import restricted  # noqa: E402
from kubernetes_schemas import definitions_in, documents_in, faults_of  # noqa: E402

version, crds, *files = sys.argv[1:]
definitions = definitions_in(crds.split(":"))

count, found = 0, []
for file in files:
    documents = documents_in(file)
    for document in documents:
        count += 1
        for fault in [*faults_of(document, definitions, version), *restricted.violations(document)]:
            found.append(f"{file}: {document['kind']} {document['metadata']['name']}: {fault}")
    found += [f"{file}: {fault}" for fault in coherence.faults(documents)]
print("\n".join(found), end="\n" if found else "")
print(f"{count} manifests in {len(files)} files against Kubernetes {version}: {len(found)} faults")
sys.exit(1 if found or not count else 0)
