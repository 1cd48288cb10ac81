"""Holds manifests that people write and apply as they are against their schemas (kubernetes_schemas.py)."""

import argparse
import sys

from kubernetes_schemas import definitions_in, documents_in, faults_of

# The newest version that kubernetes-validate knows.
KUBERNETES = "1.37"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", nargs="+", required=True)
    parser.add_argument("--manifests", nargs="+", required=True)
    arguments = parser.parse_args()
    definitions = definitions_in(arguments.definitions)
    count = faults = 0
    for path in arguments.manifests:
        # Rule files and values for the chart stand beside the manifests.
        for manifest in (document for document in documents_in(path) if "kind" in document):
            count += 1
            for fault in faults_of(manifest, definitions, KUBERNETES):
                faults += 1
                print(f"{path}: {manifest['kind']} {manifest['metadata']['name']}: {fault}", file=sys.stderr)
    if faults or count < 10:
        sys.exit(f"manifests: {faults} faults in {count} manifests")
    print(f"manifests: {count} manifests are as their schemas want them")


main()
