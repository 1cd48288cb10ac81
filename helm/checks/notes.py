"""Checks what NOTES.txt prints: notes.py HELM ENVOY VALUES…

The snippets have to be YAML, and together an Envoy's bootstrap that a real Envoy accepts, where there is one. In a mesh there is only the
filter, as the mesh has the cluster. What Envoy accepts and
does not heed is held to the rules that tests/integration/meshes/retries.rs has for deploy/.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap

import yaml

helm, envoy, *files = sys.argv[1:]
# As NOTES.txt says: secrets that come from files need a name for the proxy.
BOOTSTRAP = """\
node: {id: edge, cluster: edge}
static_resources:
  clusters:
%s
  listeners:
    - name: entrance
      address: {socket_address: {address: 127.0.0.1, port_value: 0}}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: entrance
                route_config: {}
                http_filters:
%s
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"""


def with_notes_rendered(folder):
    """A copy of the chart that renders its notes into a document; helm itself prints them only if a cluster is there."""
    chart = pathlib.Path(folder) / "chart"
    shutil.copytree("helm/ratekeeper", chart)
    shutil.copy(chart / "templates" / "NOTES.txt", chart / "notes.txt")
    (chart / "templates" / "notes.yaml").write_text('notes: |\n{{ tpl (.Files.Get "notes.txt") . | indent 2 }}\n')
    return chart


def notes(chart, values):
    command = [helm, "template", "ratekeeper", chart, "--show-only", "templates/notes.yaml", "--values", values]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return yaml.safe_load(done.stdout)["notes"]


def snippets(text):
    """The indented blocks that begin with `- name:`."""
    blocks, block = [], None
    for line in text.splitlines():
        if line.startswith("     - name:"):
            block = []
            blocks.append(block)
        if block is not None and line.startswith("     "):
            block.append(line[5:])
        else:
            block = None
    return ["\n".join(lines) for lines in blocks]


def mesh_cluster(http_filter):
    """Stands for the cluster that a mesh has by itself."""
    service = yaml.safe_load(http_filter)[0]["typed_config"]["rate_limit_service"]["grpc_service"]
    return yaml.dump([{"name": service["envoy_grpc"]["cluster_name"], "connect_timeout": "1s"}])


def refused(cluster, http_filter, folder):
    """What Envoy says against the two. Certificates are made, and the files of deploy/envoy/sds lead to them."""
    if "/etc/envoy/sds" in cluster:
        key, chain = folder / "tls.key", folder / "tls.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                        "-subj", "/CN=test", "-keyout", key, "-out", chain], capture_output=True, check=True)
        (folder / "ca.crt").write_bytes(chain.read_bytes())
        for secret in pathlib.Path("deploy/envoy/sds").glob("*.yaml"):
            (folder / secret.name).write_text(secret.read_text().replace("/etc/envoy/ratekeeper-tls", str(folder)))
        cluster = cluster.replace("/etc/envoy/sds", str(folder))
    text = BOOTSTRAP % (textwrap.indent(cluster, "    "), textwrap.indent(http_filter, " " * 18))
    (folder / "envoy.yaml").write_text(text)
    done = subprocess.run([envoy, "--mode", "validate", "-c", folder / "envoy.yaml"], capture_output=True, text=True)
    return done.stderr + done.stdout if done.returncode else None


def unheeded(cluster, http_filter):
    """What Envoy would take and not do: repeat calls that were not taken, see replicas leave, read certificates again."""
    service = yaml.safe_load(http_filter)[0]["typed_config"]["rate_limit_service"]["grpc_service"]
    if "retry_policy" in service["envoy_grpc"]:
        yield "retry_policy is not heeded inside of envoy_grpc"
    backoff = service.get("retry_policy", {}).get("retry_back_off", {})
    if float(backoff.get("max_interval", "0s").removesuffix("s")) < 1:
        yield "retry_back_off.max_interval is how long a try may take, too: shorter than a time-out"
    if "|" in service["envoy_grpc"]["cluster_name"]:
        if service["envoy_grpc"].get("authority") != service["envoy_grpc"]["cluster_name"].split("|")[-1]:
            yield "without authority the name of a mesh's cluster is the host that is asked"
        return
    made = yaml.safe_load(cluster)[0]
    if any(check.get("no_traffic_interval") != "1s" for check in made["health_checks"]):
        yield "without no_traffic_interval, a cluster that nobody has asked yet is checked every minute"
    if "filename:" in cluster:
        yield "a certificate that is named in the bootstrap is read once"


found = []
copy = tempfile.TemporaryDirectory()
chart = with_notes_rendered(copy.name)
for file in files:
    text = notes(chart, file)
    parts = snippets(text)
    names = [yaml.safe_load(part)[0]["name"] for part in parts]
    if names == ["envoy.filters.http.ratelimit"] and "outbound|" in parts[0]:
        parts = [mesh_cluster(*parts), *parts]
    elif names != ["ratekeeper", "envoy.filters.http.ratelimit"]:
        found.append(f"{file}: NOTES.txt has not the two snippets:\n{text}")
        continue
    found += [f"{file}: NOTES.txt: {fault}" for fault in unheeded(*parts)]
    if pathlib.Path(envoy).exists():
        with tempfile.TemporaryDirectory() as folder:
            if fault := refused(*parts, pathlib.Path(folder)):
                found.append(f"{file}: Envoy refuses what NOTES.txt prints:\n{fault}")
if not pathlib.Path(envoy).exists():
    missing = f"{envoy} is not installed (scripts/test-setup): whether it takes the snippets of NOTES.txt is NOT tested"
    if os.environ.get("CI") == "true":
        found.append(missing)
    else:
        print(missing)
print("\n".join(found), end="\n" if found else "")
print(f"the notes of {len(files)} sets: {len(found)} faults")
sys.exit(1 if found else 0)
