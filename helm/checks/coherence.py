"""What no schema sees: that the objects of a release fit together."""
import re

import yaml

from restricted import pod_of

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}


def faults(documents):
    """What does not fit, over all documents of one release."""
    yield from names(documents)
    for document in documents:
        pod = pod_of(document)
        if pod:
            yield from (f"{document['kind']}: {fault}" for fault in of_pod(pod))
    deployment = next(document for document in documents if document["kind"] == "Deployment")
    yield from of_selectors(documents, deployment)
    yield from of_ports(documents, deployment)
    yield from of_settings(documents, deployment)


def names(documents):
    seen = set()
    for document in documents:
        meta = document["metadata"]
        who = (document["kind"], meta.get("namespace"), meta["name"])
        if who in seen:
            yield f"{who} is there twice"
        seen.add(who)
        if len(meta["name"]) > 63:
            yield f"{who}: the name is longer than 63 characters"
        for key, value in meta.get("labels", {}).items():
            if not re.fullmatch(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", value):
                yield f"{who}: the label {key} cannot be {value!r}"


def of_pod(pod):
    volumes = [volume["name"] for volume in pod.get("volumes", [])]
    if len(volumes) != len(set(volumes)):
        yield f"a volume is there twice: {volumes}"
    if pod.get("automountServiceAccountToken") is not False:
        yield "it mounts a token"
    if pod.get("enableServiceLinks") is not False:
        yield "it is given the variables of all Services"
    for container in pod["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"the mount {mount['name']} has no volume"
            if "subPath" in mount or "subPathExpr" in mount:
                yield f"the mount {mount['name']} has a subPath, so changes would not arrive"
        places = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        if len(places) != len(set(places)):
            yield f"two mounts at one place: {places}"
        variables = [variable["name"] for variable in container.get("env", [])]
        if len(variables) != len(set(variables)):
            yield f"a variable is there twice: {variables}"


def of_selectors(documents, deployment):
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    wanted = [("Deployment", deployment["spec"]["selector"]["matchLabels"])]
    for document in documents:
        spec = document.get("spec", {})
        if document["kind"] == "Service":
            wanted.append((document["metadata"]["name"], spec["selector"]))
        elif document["kind"] in ("PodDisruptionBudget", "PodMonitor"):
            wanted.append((document["kind"], spec["selector"]["matchLabels"]))
        elif document["kind"] == "NetworkPolicy":
            wanted.append((document["kind"], spec["podSelector"]["matchLabels"]))
        elif document["kind"] == "ServiceMonitor":
            matching = [other for other in documents if other["kind"] == "Service"
                        and spec["selector"]["matchLabels"].items() <= other["metadata"]["labels"].items()]
            if len(matching) != 1:
                yield f"the ServiceMonitor finds {len(matching)} Services instead of one"
    for constraint in template["spec"].get("topologySpreadConstraints", []):
        wanted.append(("topology spread", constraint["labelSelector"]["matchLabels"]))
    others = [document for document in documents if document["kind"] == "Pod"]
    for who, selector in wanted:
        if not selector.items() <= labels.items():
            yield f"{who}: its selector does not find the pods"
        for other in others:
            if selector.items() <= other["metadata"]["labels"].items():
                yield f"{who}: its selector finds the pod {other['metadata']['name']} too"


def of_ports(documents, deployment):
    pod = deployment["spec"]["template"]["spec"]
    numbers = {port["name"]: port["containerPort"] for container in pod["containers"] for port in container.get("ports", [])}
    for document in documents:
        if document["kind"] != "Service":
            continue
        for port in document["spec"]["ports"]:
            if port["targetPort"] not in numbers:
                yield f"Service {document['metadata']['name']}: there is no port {port['targetPort']}"
            elif document["spec"].get("clusterIP") == "None" and port["port"] != numbers[port["targetPort"]]:
                yield f"Service {document['metadata']['name']}: {port['name']} differs from the pods' port, which callers get"
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = pod["containers"][0].get(probe, {}).get("httpGet", {}).get("port")
        if asked and asked not in numbers:
            yield f"{probe} asks the port {asked}, which is not there"


def seconds(duration):
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(us|ms|s|m|h|d)", duration))


def of_settings(documents, deployment):
    pod = deployment["spec"]["template"]["spec"]
    container = pod["containers"][0]
    files = [document["data"]["ratekeeper.yaml"] for document in documents
             if document["kind"] == "ConfigMap" and "ratekeeper.yaml" in document.get("data", {})]
    settings = yaml.safe_load(files[0])
    drain = seconds(settings["drain"]["pause"]) + seconds(settings["drain"]["deadline"])
    if pod["terminationGracePeriodSeconds"] <= drain:
        yield f"the grace period of {pod['terminationGracePeriodSeconds']} s ends before the drain of {drain} s"
    text = files[0]
    if re.search(r"^\s*(password|hash_secret):|://\S*@", text, re.MULTILINE):
        yield "a secret stands in the ConfigMap"
    mounted = [mount["mountPath"] for mount in container["volumeMounts"]]
    for path in re.findall(r"/etc/ratekeeper/[\w./-]+", text):
        if not any(path == place or path.startswith(place + "/") for place in mounted):
            yield f"the settings name {path}, which is not mounted"
