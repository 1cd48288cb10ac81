"""What replaces pods and what does not: rollouts.py HELM

A change of rules must leave the Deployment as it is, to the letter, as ratekeeper follows the files; one of settings must not.
"""
import subprocess
import sys

HELM = sys.argv[1]
RULES = "rules.files.demo\\.yaml=domain: demo"
IMAGE = "image.registry=registry.example"


def deployment(*assignments):
    flags = [flag for assignment in (IMAGE, RULES, *assignments) for flag in ("--set", assignment)]
    command = [HELM, "template", "ratekeeper", "helm/ratekeeper", "--show-only", "templates/deployment.yaml", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


found = []
before = deployment()
for change in ("rules.files.demo\\.yaml=domain: other", "rules.files.more\\.yaml=domain: more", "metrics.serviceMonitor.enabled=true"):
    if deployment(change) != before:
        found.append(f"{change} replaces pods")
for change in ("settings.shadow_mode=true", "listenHost=[::]", "image.tag=next", "podLabels.a=b"):
    if deployment(change) == before:
        found.append(f"{change} replaces no pods")
print("\n".join(found), end="\n" if found else "")
print(f"what replaces pods: {len(found)} faults")
sys.exit(1 if found else 0)
