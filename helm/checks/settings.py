"""Lets the binary check the settings and rules of rendered manifests: settings.py BINARY FILE…

The variables of the container are set too, but for those from secrets, which get a value of the right form.
"""
import pathlib
import subprocess
import sys
import tempfile

import yaml

binary, *files = sys.argv[1:]
SECRETS = {
    "RATEKEEPER_REDIS__URLS": "rediss://user:password@a.example:6379",
    "RATEKEEPER_REDIS_PER_SECOND__URLS": "redis://c.example:6379",
    "RATEKEEPER_DECISION_LOG__HASH_SECRET": "0123456789abcdef0123456789abcdef",
    "RATEKEEPER_THREADS": "1",
}


def environment(container):
    return {one["name"]: one.get("value", SECRETS.get(one["name"], "")) for one in container.get("env", [])}


def checked(file, folder):
    documents = [document for document in yaml.load_all(pathlib.Path(file).read_text(), yaml.CSafeLoader) if document]
    data = [document["data"] for document in documents if document["kind"] == "ConfigMap" and "data" in document]
    settings = next(texts["ratekeeper.yaml"] for texts in data if "ratekeeper.yaml" in texts)
    rules = next((texts for texts in data if any("domain:" in text for text in texts.values())), {})
    (folder / "rules").mkdir()
    for name, text in rules.items():
        (folder / "rules" / name).write_text(text)
    (folder / "ratekeeper.yaml").write_text(settings)
    deployment = next(document for document in documents if document["kind"] == "Deployment")
    env = environment(deployment["spec"]["template"]["spec"]["containers"][0])
    # The certificates are in secrets, and the rest is checked without them.
    command = [binary, "check", "--without-certificates", "--config", folder / "ratekeeper.yaml", *([folder / "rules"] if rules else [])]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    return f"{file}: {done.stdout}{done.stderr}" if done.returncode else None


found = []
for file in files:
    with tempfile.TemporaryDirectory() as folder:
        found.append(checked(file, pathlib.Path(folder)))
found = [fault for fault in found if fault]
print("\n".join(found), end="\n" if found else "")
print(f"the settings of {len(files)} sets read by the binary: {len(found)} faults")
sys.exit(1 if found else 0)
