"""The house: who may import whom, and the map that the architecture shows."""

from __future__ import annotations

import ast
import re

import pytest

from house_map import DOCUMENT, LAYERS, PACKAGE, drawn, imported, modules


@pytest.mark.parametrize("folder", LAYERS)
def test_a_folder_imports_only_what_it_may(folder: str) -> None:
    allowed = {*LAYERS[folder], folder}

    wrong = {
        str(path.relative_to(PACKAGE)): others
        for path in modules(folder)
        if (others := set(imported(path)) - allowed)
    }
    assert wrong == {}


def test_layers_stand_on_one_another_without_a_cycle() -> None:
    order = list(LAYERS)

    for folder, below in LAYERS.items():
        assert all(order.index(one) < order.index(folder) for one in below), folder


def test_every_module_lies_in_a_folder_of_its_subject() -> None:
    loose = {path.name for path in PACKAGE.glob("*.py")}

    assert loose == {"__init__.py", "__main__.py"}
    assert {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()} == set(LAYERS)


def test_only_the_border_touches_the_browser() -> None:
    for folder in LAYERS.keys() - {"browser"}:
        for path in modules(folder):
            heads = {
                name.partition(".")[0]
                for node in ast.walk(ast.parse(path.read_text()))
                for name in (
                    [alias.name for alias in node.names]
                    if isinstance(node, ast.Import)
                    else [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else []
                )
            }
            assert not heads & {"js", "pyodide", "pyscript"}, path


def test_the_map_of_the_architecture_is_drawn_from_the_code() -> None:
    text = DOCUMENT.read_text()

    assert text == drawn(text), "run: python tools/house_map.py"


def test_the_answers_to_a_newcomers_questions_are_where_the_architecture_says() -> None:
    _, _, section = DOCUMENT.read_text().partition("## Where is …?\n")
    rows = re.findall(r"^\| .+\? \| `([\w/]+\.py)` \| (.+) \|$", section.partition("\n## ")[0], re.MULTILINE)

    assert len(rows) >= 6
    for path, named in rows:
        tree = ast.parse((PACKAGE / path).read_text())
        defined = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        }
        names = {name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", named)}
        assert names and names <= defined, f"{path} does not define {names - defined}"
