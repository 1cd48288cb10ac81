"""Renders the chart as the pages have people install it: their values, added up as the page goes on, and their commands.

Where a command names values.yaml and the page has shown none, it is the one of docs/install-kubernetes.md.

Usage: pages.py HELM PAGE...
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

# Stands in what a command names for the file that the page shows.
SHOWN = "values.yaml"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def render(helm, folder, arguments, values):
    """Renders in place of what installs; values are those that the page has shown so far, where the command names them."""
    command = [helm, "template", "ratekeeper", "helm/ratekeeper", "--namespace", "ratekeeper"]
    shown = []
    for place, text in enumerate(values):
        path = Path(folder) / f"values-{place}.yaml"
        path.write_text(text)
        shown += ["--values", str(path)]
    for argument in arguments if SHOWN in arguments else [SHOWN, *arguments]:
        command += shown if argument == SHOWN else [argument]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def values_of(page):
    """What a page shows of values.yaml, all together."""
    return [body for language, body in FENCE.findall(page.read_text()) if language == "yaml" and body.startswith("# values.yaml")]


def arguments_of(line):
    """What of `helm install` or `helm upgrade` is about the values, if this line is one of them for a folder of ours."""
    words = shlex.split(line, comments=True)
    if words[:2] not in (["helm", "install"], ["helm", "upgrade"]) or "helm/ratekeeper" not in words:
        return None
    found = []
    for flag, value in zip(words, words[1:]):
        is_file = flag in ("--values", "-f")
        if is_file and value == SHOWN:
            found.append(SHOWN)
        elif is_file and Path(value).exists() or flag in ("--set", "--set-string"):
            found += [flag, value]
    return found


def check(helm, page):
    """Renders a page; gives how often, and what was refused."""
    count, faults, values = 0, [], []
    with tempfile.TemporaryDirectory() as folder:
        for language, body in FENCE.findall(page.read_text()):
            if language == "yaml" and body.startswith("# values.yaml"):
                values.append(body)
                lines = [[]]
            elif language == "console":
                if not values and "--values values.yaml" in body:
                    values = values_of(Path("docs/install-kubernetes.md"))
                lines = [arguments_of(line) for line in body.replace("\\\n", " ").splitlines() if line.startswith("helm ")]
            else:
                continue
            for arguments in filter(lambda line: line is not None, lines):
                count += 1
                result = render(helm, folder, arguments, values)
                if result.returncode != 0:
                    faults.append(f"{page}: {arguments}\n{body}\n{result.stderr}")
    return count, faults


def main():
    """Prints what the chart refuses, and fails where it is anything."""
    helm, *pages = sys.argv[1:]
    count, faults = 0, []
    for page in pages:
        rendered, refused = check(helm, Path(page))
        count += rendered
        faults += refused
    if faults or count < 5:
        sys.exit("\n".join(faults) or f"only {count} commands and values were found in {pages}")
    print(f"pages: {count} commands and values of pages are rendered")


if __name__ == "__main__":
    main()
