"""What the documents say is so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rolltape.arrivals import tracks, upload_state
from rolltape.recording import take

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "diagram"),
    [
        ("a take", take.diagram),
        ("an upload", upload_state.diagram),
        ("a session's tracks", tracks.diagram),
    ],
)
def test_a_life_is_drawn_from_its_table(name: str, diagram: Callable[[], str]) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()

    (drawn,) = re.findall(rf"<!-- life of {name} -->\n```mermaid\n(.*?)```\n<!-- end -->", text, re.DOTALL)
    assert drawn == diagram()


def test_every_file_the_documents_name_is_there() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name} names {link}"


def test_the_map_of_modules_is_whole_and_true() -> None:
    text, package = (ROOT / "docs" / "architecture.md").read_text(), ROOT / "py" / "rolltape"
    named = set(re.findall(r"`([a-z0-9_]+)(?:\.py)?`", text))

    for folder in (package / name for name in ("core", "settings", "recording", "room", "server")):
        modules = {one.stem for one in folder.glob("*.py")} - {"__init__", "__main__"}
        assert modules - named == set(), f"architecture.md does not name these of {folder.name}"
    for path in re.findall(
        r"`((?:browser|core|settings|recording|room|pages|server|media|convert|static|tools|tests)/[\w./]+)`",
        text,
    ):
        assert (ROOT / path).exists() or (package / path).exists(), f"architecture.md names {path}"


def test_every_test_the_documents_name_is_there() -> None:
    sources = list((ROOT / "tests").rglob("test_*.py"))
    tests = {
        name for one in sources for name in re.findall(r"^def (test_\w+)", one.read_text(), re.MULTILINE)
    }
    known = tests | {one.stem for one in sources}

    for document in (ROOT / "docs").glob("*.md"):
        named = set(re.findall(r"\btest_\w+", document.read_text()))
        assert named <= known, f"{document.name} names tests that are not there"


@pytest.mark.parametrize("guide", ["for-guests.md", "for-directors.md"])
def test_a_guide_quotes_the_pages_word_for_word(guide: str) -> None:
    page = re.sub(r"<[^>]+>", "", (ROOT / "index.html").read_text())
    code = (source.read_text() for source in (ROOT / "py" / "rolltape").rglob("*.py"))
    said = page + re.sub(r'"\s+f?"', "", "\n".join(code))

    quoted = re.findall("“([^”]+)”", (ROOT / "docs" / guide).read_text())
    assert len(quoted) > 20
    assert [words for words in map(" ".join, map(str.split, quoted)) if words not in said] == []


def test_every_quirk_that_is_cited_is_described() -> None:
    described = re.findall(r"^## (\d+) ", (ROOT / "docs" / "browser-quirks.md").read_text(), re.MULTILINE)

    assert described == [str(number) for number in range(1, len(described) + 1)]
    for source in (ROOT / "py").rglob("*.py"):
        for number in re.findall(r"quirk (\d+)", source.read_text()):
            assert number in described, f"{source.name} cites quirk {number}"


def test_the_page_has_little_javascript() -> None:
    scripts = [ROOT / "sw.js", *(ROOT / "static").glob("*.js")]

    # What only JavaScript can do: start Python, be a worker, stream a download. All else is Python.
    lines = [line.strip() for script in scripts for line in script.read_text().splitlines()]
    assert sum(bool(line) and not line.startswith("//") for line in lines) < 380


def test_no_code_asks_for_what_stops_firefox() -> None:
    sources = [*(ROOT / "py" / "rolltape").rglob("*.py"), *(ROOT / "static").glob("*.js")]

    asked = re.compile(r"\.(getOutputTimestamp|outputLatency)\b")
    assert [source.name for source in sources if asked.search(source.read_text())] == []
