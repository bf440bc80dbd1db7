"""`make versions`: the page with other Pyodides, by changing one number; with each a build and a recording.

VERSIONS names them. Takes minutes for each, so CI does not do it.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from install.conftest import ROOT, Record, checkout
from serving import served

VERSIONS = os.environ.get("VERSIONS", "314.0.3 314.0.6 314.0.7 315.0.0-alpha.2").split()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_is_built_and_records_with(version: str, record: Record, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "rolltape")
    package = folder / "package.json"
    text = package.read_text()
    now = json.loads(text)["dependencies"]["pyodide"]
    package.write_text(text.replace(f'"pyodide": "{now}"', f'"pyodide": "{version}"'))
    (folder / ".venv").symlink_to(ROOT / ".venv")

    for command in (
        ["npm", "install", "--package-lock-only", "--ignore-scripts"],
        ["npm", "ci", "--ignore-scripts", "--omit=dev"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert "resolved" not in (folder / "package-lock.json").read_text()
    built = subprocess.run(
        [folder / ".venv" / "bin" / "python", "-m", "runtime", "--to", tmp_path / "built"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": "tools"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    print(built.stdout)

    with served(tmp_path / "built" / "www") as address:
        said = record(address)

    recipe = next(line for line in said if line.startswith("Pyodide "))
    assert recipe.startswith(f"Pyodide {version} with ")
    print(recipe)
