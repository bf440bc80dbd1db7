"""What `docs/hosting.md` says of `rolltape serve` is what it understands."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from rolltape.server.serve import add_arguments

TEXT = (Path(__file__).parents[2] / "docs" / "hosting.md").read_text()
OF_OTHERS = {"--url", "--help", "--no-deps", "--require-hashes"}
"""Options of other programs that the document calls."""


def understood() -> dict[str, argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    return {option: action for action in parser._actions for option in action.option_strings}


def test_every_option_stands_in_the_table_of_options() -> None:
    (table,) = re.findall(r"^## Options\n(.*?)^## ", TEXT, re.DOTALL | re.MULTILINE)
    explained = {
        option: is_given
        for row in re.findall(r"^\| (`--.*?) \|", table, re.MULTILINE)
        for option, is_given in re.findall(r"`(--[\w-]+)( [A-Z]+)?`", row)
    }

    assert set(explained) == set(understood())
    for option, action in understood().items():
        assert bool(explained[option]) is (action.nargs != 0), f"{option} is said to take a value, or not to"


def test_every_option_that_is_named_is_one() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", TEXT))

    assert named - OF_OTHERS <= set(understood())


def test_a_command_that_is_shown_is_understood() -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser)
    on_one_line = re.sub(r"\\\n\s*", "", TEXT)
    shown = re.findall(r"^ .*rolltape serve(.*)$", on_one_line, re.MULTILINE)

    assert len(shown) > 3
    for options in shown:
        parser.parse_args(options.split())
