"""Every sentence that a page can say of itself is shown to be true by a test that quotes it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from rolltape.core import errors

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "py" / "rolltape"
ERRORS = [
    *(name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)),
    *("RoomError", "WebmError", "NotTheHost"),
]
SAYING = {"Notice": 1, "Told": 2, "_warn": 0, "_tell": 1, "tell": 1, "hold": 2, "tell_hole": 0}
SAYING |= dict.fromkeys((*ERRORS, "CommandRefused"), 0)
"""Calls that say a sentence, and where among their arguments it is."""
TO_THE_LOG = {"log", "_log", "info", "warn"}
TO_PROGRAMS = {"ValueError", "TypeError", "FieldError", "RuntimeError", "OSError"}
"""Calls whose words go to the browser's log, or to other code."""
NOT_OF_PAGES = {
    "server",
    "tracks",
    "cli.py",
    "__main__.py",
    "records.py",
    "json_fields.py",
    "wire.py",
    "offline.py",
}
"""Folders and modules that speak to other programs, at a command line, and to the browser's log."""
A_SENTENCE = re.compile(r"[^a-z].*[a-z] .*[.?!:…]\s*", re.DOTALL)
"""Begins with no small letter, and ends as sentences do; what is filled in is an ellipsis."""
NO_CONSTANTS: Mapping[str, ast.expr] = {}
QUOTED = 18
"""Characters of a sentence that nobody quotes by accident."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of the code, as far as it is written there."""

    where: str
    pieces: tuple[str, ...]
    subject: str
    constant: str = ""
    """The constant that it is, by which a test may name it."""

    def __str__(self) -> str:
        return f"{self.where}: {'…'.join(self.pieces)}"


def pieces(node: ast.expr, constants: Mapping[str, ast.expr] = NO_CONSTANTS) -> tuple[str, ...]:
    """What is written out of a sentence that is put together: the texts between what is filled in.

    `constants` are those of its module: a sentence that is one of them, or one of a table of them, is written there.
    """
    match node:
        case ast.Constant(value=str(text)):
            return (text,)
        case ast.JoinedStr(values=parts):
            return tuple(piece for part in parts for piece in pieces(part, constants))
        case ast.FormattedValue(value=filled) | ast.Subscript(value=filled):
            return pieces(filled, constants) if isinstance(filled, ast.Name | ast.Subscript) else ()
        case ast.BinOp():
            return pieces(node.left, constants) + pieces(node.right, constants)
        case ast.IfExp():
            return pieces(node.body, constants) + pieces(node.orelse, constants)
        case ast.Dict(values=values):
            return tuple(piece for value in values for piece in pieces(value, constants))
        case ast.Name(id=name) if name in constants:
            return pieces(constants[name])
    return ()


def constants_of(tree: ast.Module) -> dict[str, ast.expr]:
    """What a module's names stand for, by their names."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=True)
                    found |= {name.id: value for name, value in pairs if isinstance(name, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found


def modules_of_pages() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if NOT_OF_PAGES.isdisjoint(path.relative_to(PACKAGE).parts):
            yield path, ast.parse(path.read_text())


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def sentences() -> Iterator[Sentence]:
    """Those that are handed to a call that says them, whatever they look like."""
    for path, tree in modules_of_pages():
        constants = constants_of(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = name_of(node)
            place = SAYING.get(name)
            if place is None or len(node.args) <= place:
                continue
            said = tuple(p for p in pieces(node.args[place], constants) if len(p.strip()) >= QUOTED)
            if said:
                more = node.args[place + 1] if name == "Notice" and len(node.args) > place + 1 else None
                if isinstance(more, ast.Name):
                    more = constants.get(more.id, more)
                subject = "".join(pieces(more)) if more is not None else ""
                constant = next((name for name, value in constants.items() if value is node), "")
                yield Sentence(f"{path.relative_to(PACKAGE)}:{node.lineno}", said, subject, constant)


def written_sentences() -> Iterator[Sentence]:
    """All that read like sentences, wherever they stand: returned, drawn, in tables and constants."""
    for path, tree in modules_of_pages():
        constants = {id(value): name for name, value in constants_of(tree).items()}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) in TO_THE_LOG | TO_PROGRAMS:
                unsaid(node)
            elif isinstance(node, ast.Call) and name_of(node) in ERRORS:
                for detail in node.args[1:]:
                    unsaid(detail)  # for the log
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                unsaid(node)  # a docstring
        for node in ast.walk(tree):
            text = text_of(node)
            if not hasattr(node, "unsaid") and len(text) >= QUOTED and A_SENTENCE.fullmatch(text):
                said = tuple(piece for piece in re.split(r"…|\{\w*\}", text) if len(piece.strip()) >= QUOTED)
                where = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
                yield Sentence(where, said, "", constants.get(id(node), ""))


def unsaid(node: ast.AST) -> None:
    """Mark all that is in it as no sentence of its own."""
    for inner in ast.walk(node):
        inner.unsaid = True  # type: ignore[attr-defined]


def text_of(node: ast.AST) -> str:
    """The text that this is, with an ellipsis for what is filled in; empty if it is none."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            for part in parts:
                unsaid(part)
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
    return ""


@cache
def quotes() -> str:
    """All texts that tests write out, and the constants of ours that they name, one a line."""
    found = []
    for path in (ROOT / "tests").rglob("*.py"):
        if path.name == Path(__file__).name:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rolltape"):
                found += [f"{node.module}.{one.name}" for one in node.names]
    return "\n".join(found)


@cache
def written() -> Counter[str]:
    """How often each stretch of QUOTED characters is written in our code."""
    texts = (
        node.value
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return Counter(quote for text in texts for quote in stretches(text))


def stretches(text: str) -> Iterator[str]:
    return (text[start : start + QUOTED] for start in range(0, len(text) - QUOTED + 1))


def is_one_alone(piece: str, ours: Counter[str]) -> bool:
    """Whether it can be told from all else that is written in our code."""
    return any(ours[quote] == 1 for quote in stretches(piece))


@cache
def quoted() -> frozenset[str]:
    """The stretches of our code that tests write out."""
    ours = written()
    return frozenset(quote for quote in stretches(quotes()) if quote in ours)


def is_quoted(sentence: Sentence, ours: Counter[str]) -> bool:
    """Whether a test writes out so much of it that it can be no other, or names the constant that it is."""
    module = sentence.where.split(":")[0].removesuffix(".py").replace("/", ".")
    if sentence.constant and f"\nrolltape.{module}.{sentence.constant}\n" in quotes():
        return True
    found = (quote for piece in sentence.pieces for quote in stretches(piece))
    return any(ours[quote] == 1 and quote in quoted() for quote in found)


def test_every_sentence_that_a_page_can_say_is_quoted_by_a_test() -> None:
    ours, told = written(), list(sentences())
    found = [*told, *written_sentences()]
    each = [
        replace(one, pieces=(piece,)) for one in found for piece in one.pieces if is_one_alone(piece, ours)
    ]

    unshown = sorted({str(one) for one in (*told, *each) if not is_quoted(one, ours)})

    assert len(told) > 100 and len(found) > 2 * len(told), "the collector reads the code"
    assert unshown == [], "no test quotes these: write one that shows when it is said"


def test_every_warning_that_holds_has_a_test_that_lifts_it() -> None:
    texts = quotes()
    subjects = {one.subject for one in sentences() if one.subject}

    assert subjects
    assert [subject for subject in sorted(subjects) if subject not in texts] == []
    # A guest's state with any other is refused by whoever reads it, and the director hears nothing of that guest.
    assert [subject for subject in sorted(subjects) if not re.fullmatch(r"[A-Za-z0-9-]+", subject)] == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('Notice(Level.INFO, "The page could not start.")', ("The page could not start.",)),
        ('self._warn(f"{name} is gone from the room. {reason}")', (" is gone from the room. ",)),
        ('Notice(Level.INFO, "This is said" " in two pieces.")', ("This is said in two pieces.",)),
    ],
)
def test_a_sentence_is_found_as_it_is_put_together(code: str, said: tuple[str, ...]) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)

    assert tuple(piece for piece in pieces(call.args[-1]) if len(piece) >= QUOTED) == said
