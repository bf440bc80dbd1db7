"""What is installed is what was written down: no registry can put another file in its place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_requirement_has_its_version_and_its_hashes(file: Path) -> None:
    wanted = [
        entry
        for entry in file.read_text().replace("\\\n", " ").splitlines()
        if entry and entry[0] not in " #"
    ]

    assert wanted
    for entry in wanted:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry


def test_every_installation_from_a_list_asks_for_the_hashes() -> None:
    for line in (ROOT / "Makefile").read_text().splitlines():
        if "$(PIP)" in line and "-r " in line:
            assert "--require-hashes" in line, line
        elif "$(PIP)" in line:
            assert "--no-deps" in line and "--no-build-isolation" in line, line


def test_what_builds_the_package_is_on_the_list() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    listed = (ROOT / "requirements" / "build.txt").read_text()

    for requirement in build:
        assert re.match(r"[\w-]+==\S+$", requirement), f"{requirement} is no version"
        assert f"{requirement} \\" in listed
