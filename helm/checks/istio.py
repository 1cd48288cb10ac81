"""Renders the chart with deploy/istio/values.yaml, alone and with the values in own-tls.yaml: istio.py HELM

Who may ask has to be the same with both kinds of TLS, and what the mesh would not let work must not be there. On top of
the values of docs/install-kubernetes.md, as docs/install-istio.md has people type it, the release keeps its Redis.
"""
import subprocess
import sys
import tempfile

import yaml

HELM = sys.argv[1]
FOLDER = "deploy/istio"


def values_of_own_tls():
    """The indented lines of the comment on top."""
    top = open(f"{FOLDER}/own-tls.yaml").read().split("apiVersion:")[0]
    return "\n".join(line[6:] for line in top.splitlines() if line.startswith("#     "))


def rendered(*more):
    command = [HELM, "template", "ratekeeper", "helm/ratekeeper", "--namespace", "ratekeeper", "--values", f"{FOLDER}/values.yaml",
               "--set", "image.registry=registry.example", "--set", "networkPolicy.enabled=true", "--set", "metrics.prometheusRule.enabled=true", *more]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def rendered_as_typed():
    """By the command of the page, with the values.yaml that the page for Kubernetes makes in its step 2."""
    page = open("docs/install-istio.md").read()
    typed = next(line for line in page.splitlines() if line.startswith("helm upgrade"))
    shown = open("docs/install-kubernetes.md").read().split("```yaml\n# values.yaml\n")[1].split("```")[0]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(shown)
        file.flush()
        words = [file.name if word == "values.yaml" else word for word in typed.split()]
        command = [HELM, "template", "ratekeeper", *words[words.index("helm/ratekeeper"):]]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def one(documents, kind, name=None):
    return next(one for one in documents if one["kind"] == kind and name in (None, one["metadata"]["name"]))


def principals():
    with open(f"{FOLDER}/in-mesh.yaml") as file:
        rules = one(list(yaml.safe_load_all(file)), "AuthorizationPolicy")["spec"]["rules"]
    named = rules[0]["from"][0]["source"]["principals"]
    return {"spiffe://" + (name.removesuffix("sa/*") + "*" if name.endswith("/sa/*") else name) for name in named}


found = []
in_mesh = rendered()
with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    file.write(values_of_own_tls())
    file.flush()
    own = rendered("--values", file.name)
for documents, label in ((in_mesh, "true"), (own, "false")):
    if any(document["kind"] == "Pod" for document in documents):
        found.append("the pod of helm test has no sidecar and no certificate")
    labels = one(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    if labels["sidecar.istio.io/inject"] != label:
        found.append(f"sidecar.istio.io/inject is not {label}")
if "port: 15012" not in yaml.dump(one(in_mesh, "NetworkPolicy")["spec"]["egress"]):
    found.append("the sidecar cannot reach istiod")
tls = yaml.safe_load(one(own, "ConfigMap", "ratekeeper-settings")["data"]["ratekeeper.yaml"])["grpc"]["tls"]
if set(tls["allowed_names"]) != principals():
    found.append(f"{tls['allowed_names']} may ask by own-tls.yaml, and {principals()} by in-mesh.yaml")
typed = rendered_as_typed()
settings = yaml.safe_load(one(typed, "ConfigMap", "ratekeeper-settings")["data"]["ratekeeper.yaml"])
if settings["store"] != "redis" or one(typed, "Deployment")["spec"]["replicas"] < 2:
    found.append(f"what docs/install-istio.md has people type loses Redis: store is {settings['store']}")
trusted = one(own, "Certificate")["spec"]["uris"]
with open(f"{FOLDER}/own-tls.yaml") as file:
    expected = one(list(yaml.safe_load_all(file)), "DestinationRule")["spec"]["trafficPolicy"]["tls"]["subjectAltNames"]
if trusted != expected:
    found.append(f"the certificate is for {trusted}, and callers want {expected}")
print("\n".join(found), end="\n" if found else "")
print(f"the values of {FOLDER}: {len(found)} faults")
sys.exit(1 if found else 0)
