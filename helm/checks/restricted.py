"""The "restricted" pod security standard of Kubernetes, for pods and what makes pods."""

ALLOWED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
HOST = ("hostNetwork", "hostPID", "hostIPC")


def pod_of(document):
    """The pod of a Pod, or of an object with a template for pods."""
    if document["kind"] == "Pod":
        return document["spec"]
    return (document.get("spec") or {}).get("template", {}).get("spec")


def violations(document):
    """What of the standard a document does not keep."""
    pod = pod_of(document)
    if not pod:
        return
    yield from (f"{word} is set" for word in HOST if pod.get(word))
    for volume in pod.get("volumes", []):
        kinds = set(volume) - {"name"}
        if not kinds <= ALLOWED_VOLUMES:
            yield f"the volume {volume['name']} is of the kind {kinds}"
    whole = pod.get("securityContext", {})
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        for fault in of_container(container, whole):
            yield f"container {container['name']}: {fault}"


def of_container(container, whole):
    own = container.get("securityContext", {})
    said = {**whole, **own}
    if said.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if said.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if said.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "no seccompProfile"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if own.get("privileged"):
        yield "it is privileged"
    if own.get("capabilities", {}).get("drop") != ["ALL"]:
        yield "capabilities are not dropped"
    if set(own.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities are added"
    # Not of the standard, but of our promise.
    if own.get("readOnlyRootFilesystem") is not True:
        yield "its root file system can be written"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "it has a hostPort"
