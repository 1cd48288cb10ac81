"""Renders the packaged chart as others do who depend on it: as_dependency.py HELM PACKAGE FOLDER

A parent hands down `global` and its condition `enabled`; a schema that is closed must not refuse them.
"""
import pathlib
import subprocess
import sys

helm, package, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
(folder / "charts").mkdir(parents=True)
(folder / "charts" / package.name).write_bytes(package.read_bytes())
(folder / "Chart.yaml").write_text("""\
apiVersion: v2
name: parent
version: 1.0.0
dependencies:
  - {name: ratekeeper, version: ">=0", condition: ratekeeper.enabled}
""")
(folder / "values.yaml").write_text("""\
global: {team: platform}
ratekeeper:
  enabled: true
  image: {registry: registry.example}
  rules: {files: {demo.yaml: {domain: demo}}}
""")
done = subprocess.run([helm, "template", "shop", folder], capture_output=True, text=True)
if done.returncode or "name: shop-ratekeeper-settings" not in done.stdout:
    sys.exit(f"the chart does not render as a dependency: {done.stderr}{done.stdout[:2000]}")
