"""Writes what in the chart follows from other files; with --check it only says what is not as it would be written.

- files/prometheus and files/grafana: copies of deploy/, as a chart can read no file outside of its folder
- values.schema.json: the settings of the binary
- README.md: the table of values
"""
import json
import pathlib
import sys

import yaml

import settings_schema
from values_comments import at, comments, leaves

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "helm" / "ratekeeper"
BEGIN, END = "<!-- values: made by scripts/test-helm record -->\n", "<!-- end of values -->\n"


def copies():
    for name in ("alerts.yaml", "recording.yaml"):
        yield CHART / "files" / "prometheus" / name, (ROOT / "deploy" / "prometheus" / name).read_text()
    for board in sorted((ROOT / "deploy" / "grafana").glob("*.json")):
        yield CHART / "files" / "grafana" / board.name, board.read_text()


def schema():
    path = CHART / "values.schema.json"
    tree = json.loads(path.read_text())
    tree["definitions"]["settings"] = settings_schema.schema((ROOT / "config" / "ratekeeper.yaml").read_text())
    return path, json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def table(text):
    values = yaml.safe_load(text)
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for path, meaning in comments(text):
        default = json.dumps(at(values, path), ensure_ascii=False).replace("|", "\\|")
        rows.append(f"| `{'.'.join(path)}` | `{default}` | {meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def readme():
    path = CHART / "README.md"
    before, rest = path.read_text().split(BEGIN)
    _, after = rest.split(END)
    return path, before + BEGIN + "\n" + table((CHART / "values.yaml").read_text()) + "\n" + END + after


def without_meaning(text):
    """Values that no comment explains, neither their own nor that of a mapping around them."""
    told = {path for path, _ in comments(text)}
    for path in leaves(yaml.safe_load(text)):
        if not any(path[:length] in told for length in range(1, len(path) + 1)):
            yield f"values.yaml: {'.'.join(path)} has no comment that begins with `# --`"


def unlike_schema(values, tree, definitions, path=""):
    """Values that the schema does not name, and the other way round, at each level that it closes."""
    while "$ref" in tree:
        tree = definitions[tree["$ref"].rsplit("/", 1)[1]]
    if tree.get("additionalProperties") is not False or not isinstance(values, dict) or not values:
        return
    named = {name for name in tree["properties"] if path or name not in ("global", "enabled")}
    for name in sorted(named ^ set(values)):
        # What stands in resources and strategy are examples of what may stand there.
        if path.split(".")[0] not in ("resources", "strategy"):
            yield f"values.schema.json: {path}{name} is not in both, the schema and values.yaml"
    for name in sorted(named & set(values)):
        yield from unlike_schema(values[name], tree["properties"][name], definitions, f"{path}{name}.")


def main():
    check = sys.argv[1:] == ["--check"]
    faults = []
    for path, text in [*copies(), schema(), readme()]:
        if not path.exists() or path.read_text() != text:
            if check:
                faults.append(f"{path.relative_to(ROOT)} is not what it is made from: run scripts/test-helm record")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    expected = {path for path, _ in copies()}
    faults += [f"{path} is no copy of a file in deploy/" for path in (CHART / "files").rglob("*.*") if path not in expected]
    values = (CHART / "values.yaml").read_text()
    tree = json.loads((CHART / "values.schema.json").read_text())
    faults += without_meaning(values)
    faults += unlike_schema(yaml.safe_load(values), tree, tree["definitions"])
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(1 if faults else 0)


main()
