"""The steps of the runtime's build: what does not apply, fails or does not start is left out, and said."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from runtime.bytecompile import unannotated
from runtime.page import assemble, named
from runtime.runner import Asked, Recipe, StrictError, run
from runtime.step import NotApplicable, Remarks, Step, Tree
from runtime.steps import PAGE, RUNTIME
from runtime.steps.exports import slim
from runtime.steps.pyscript_parts import without_library, without_plugins
from runtime.steps.trim_library import trimmed


def step(name: str, *, fails: str = "", breaks: bool = False, remark: str = "", needs: str = "") -> Step:
    """A step that adds its name to a file; its failures are what upstream releases lead to."""

    def apply(tree: Tree) -> Remarks:
        if fails:
            raise NotApplicable(fails)
        written = tree.root / "file"
        written.write_text(written.read_text() + name)
        return [remark] if remark else []

    def verify(tree: Tree) -> None:
        if breaks:
            raise RuntimeError("It does not start.")

    return Step(name, "time", apply, verify, tuple(needs.split()))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("-")
    return Tree(tmp_path / "tree")


def written(tree: Tree) -> str:
    return (tree.root / "file").read_text()


def test_steps_build_on_each_other(tree: Tree, tmp_path: Path) -> None:
    recipe = run([step("a"), step("b", needs="a")], tree, tmp_path, Asked(strict=True))

    assert (recipe, written(tree)) == (Recipe(["a", "b"]), "-ab")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (step("b", fails="Not where it was."), "Not where it was."),
        (step("b", breaks=True), "It does not start."),
        (step("b", needs="x"), "It needs x."),
    ],
    ids=["does not apply", "does not start", "needs what is not there"],
)
def test_a_step_that_does_no_good_is_left_out_with_one_line(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: Step, reason: str
) -> None:
    recipe = run([step("a"), bad, step("c")], tree, tmp_path, Asked())

    assert (recipe.applied, recipe.left_out, written(tree)) == (["a", "c"], {"b": reason}, "-ac")
    assert capsys.readouterr().out == f"Left out: b (time). {reason}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]


def test_a_strict_build_has_all_of_it_or_fails(tree: Tree, tmp_path: Path) -> None:
    with pytest.raises(StrictError, match="Not where it was"):
        run([step("a", fails="Not where it was.")], tree, tmp_path, Asked(strict=True))
    with pytest.raises(StrictError, match="Only half"):
        run([step("a", remark="Only half.")], tree, tmp_path, Asked(strict=True))


def test_a_strict_build_does_without_what_it_is_told_to(tree: Tree, tmp_path: Path) -> None:
    asked = Asked(frozenset({"a"}), strict=True)

    recipe = run([step("a"), step("b", needs="a"), step("c")], tree, tmp_path, asked)

    assert (recipe.applied, written(tree)) == (["c"], "-c")


def test_no_step_at_all_leaves_what_was_there(tree: Tree, tmp_path: Path) -> None:
    recipe = run([step("a"), step("b")], tree, tmp_path, Asked(frozenset({"all"}), strict=True))

    assert (recipe.applied, written(tree)) == ([], "-")


def test_a_step_names_only_steps_before_it() -> None:
    seen: set[str] = set()
    for one in (*RUNTIME, *PAGE):
        assert set(one.needs) <= seen
        assert one.name not in seen
        seen.add(one.name)


@pytest.mark.parametrize("change", ["core", "plugins", "exports"])
def test_files_of_another_make_are_refused_before_anything_is_written(change: str) -> None:
    with pytest.raises(NotApplicable):
        if change == "core":
            without_library('xo(".",{pyscript:{"__init__.py":1}}),yo.push("import pyscript")')
        elif change == "plugins":
            without_plugins('{deprecations:()=>import("./other-x.js")}')
        else:
            slim(b"\0asm\1\0\0\0", "function assignExports(){}", "")


def test_what_of_the_library_is_not_there_any_more_is_named() -> None:
    library = {"this.pyc": b"", "json/__init__.pyc": b"", "wsgiref/util.pyc": b""}

    kept, idle = trimmed(library, ["this.py", "wsgiref/*", "gone.py"])

    assert (list(kept), idle) == (["json/__init__.pyc"], ["gone.py"])


def vendor(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


def test_the_pages_files_are_given_the_names_that_were_built(tmp_path: Path) -> None:
    built = vendor(tmp_path, "pyodide-315.0.0-alpha.2-0a1b/pyodide.mjs", "pyscript-1-ff/core-C9.js")
    page = '<link href="static/vendor/pyodide/pyodide.mjs">\n<link href="static/vendor/pyscript/core-*.js">\n'

    assert named(page, built, lines=True) == (
        '<link href="static/vendor/pyodide-315.0.0-alpha.2-0a1b/pyodide.mjs">\n'
        '<link href="static/vendor/pyscript-1-ff/core-C9.js">\n'
    )
    assert named('new URL("./vendor/pyodide/", x)', built, lines=False) == (
        'new URL("./vendor/pyodide-315.0.0-alpha.2-0a1b/", x)'
    )


def test_what_was_not_built_is_not_asked_for(tmp_path: Path) -> None:
    built = vendor(tmp_path, "pyodide-1-a/pyodide.mjs")
    page = '<p id="">\n<link href="static/vendor/pyodide/snapshot.bin">\n<p>\n'

    assert named(page, built, lines=True) == '<p id="">\n<p>\n'
    assert (
        named('const memory = "./vendor/pyodide/snapshot.bin";', built, lines=False) == 'const memory = "";'
    )


def test_a_page_that_is_assembled_anew_keeps_nothing_of_the_old(tmp_path: Path) -> None:
    target, first = (
        tmp_path / "www",
        ("pyodide-1-a/pyodide.mjs", "pyodide-1-a/rolltape-1.whl", "manifest.json"),
    )
    assemble(vendor(tmp_path / "one", *first), target)
    then = (target / "index.html").stat().st_mtime_ns
    assemble(vendor(tmp_path / "one", *first), target)
    assert (target / "index.html").stat().st_mtime_ns == then  # servers see no change

    assemble(vendor(tmp_path / "two", "pyodide-2-b/pyodide.mjs", "manifest.json"), target)

    built = target / "static" / "vendor"
    assert sorted(path.name for path in built.rglob("*")) == ["manifest.json", "pyodide-2-b", "pyodide.mjs"]
    assert "vendor/pyodide-2-b/pyodide.mjs" in (target / "static" / "python.js").read_text()


def test_a_page_imports_nothing_for_the_sake_of_annotations() -> None:
    source = """
from __future__ import annotations
from collections.abc import Sequence
from rolltape.a import Noted, Raised
from rolltape.b import Noted2
from rolltape.c import handed_on, Base
from rolltape.d import Kept as Kept

__all__ = ["handed_on"]

@dataclass
class Made(Base):
    field: Noted

def run(given: Sequence[Noted2], *more: Noted) -> Noted:
    raise Raised
"""

    assert ast.unparse(unannotated(ast.parse(source))) == (
        """from __future__ import annotations
from collections.abc import Sequence
from rolltape.a import Raised
from rolltape.c import handed_on, Base
from rolltape.d import Kept as Kept
__all__ = ['handed_on']

@dataclass
class Made(Base):
    field: Noted

def run(given, *more):
    raise Raised"""
    )
