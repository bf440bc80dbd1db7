"""Applies the steps, each to a copy: what does not apply, fails or does not start is left out, and said."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from runtime.step import Step, Tree


class StrictError(Exception):
    """A step was left out, or found less than it knows, in a build that has to have all of it."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    without: frozenset[str] = frozenset()
    """Names of steps to leave out; `all` for every one."""
    strict: bool = False

    def leaves_out(self, name: str) -> bool:
        """Whether this step is not wanted."""
        return bool(self.without & {name, "all"})


@dataclass
class Recipe:
    """What was done: names of steps, and of those that were left out with the reason."""

    applied: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def run(steps: Iterable[Step], tree: Tree, work: Path, asked: Asked, before: Recipe | None = None) -> Recipe:
    """Apply the steps to the tree in their order; returns what was done, after what `before` says.

    A step is applied to a copy in `work`, which takes the tree's place only if the step has verified it. Prints one
    line for each that is left out. Raises StrictError instead where `asked` is strict, unless leaving it out was
    asked for.
    """
    recipe = Recipe([*before.applied], {**before.left_out}, [*before.remarks]) if before else Recipe()
    for step in steps:
        reason, remarks = _left_out(step, tree, work, asked, recipe)
        if reason is None:
            recipe.applied.append(step.name)
        else:
            recipe.left_out[step.name] = reason
            print(f"Left out: {step.name} ({step.saves}). {reason}", flush=True)
        for remark in remarks:
            recipe.remarks.append(f"{step.name}: {remark}")
            print(recipe.remarks[-1], flush=True)
        if asked.strict and (remarks or (reason is not None and not _was_asked(step, asked, recipe))):
            raise StrictError(f"{step.name}: {reason or ' '.join(remarks)}")
    return recipe


def _was_asked(step: Step, asked: Asked, recipe: Recipe) -> bool:
    """Whether the command line led to this step's being left out: by its name, or by one that it needs."""
    return asked.leaves_out(step.name) or any(asked.leaves_out(need) for need in step.needs)


def _left_out(
    step: Step, tree: Tree, work: Path, asked: Asked, recipe: Recipe
) -> tuple[str | None, list[str]]:
    """Why the step was left out, None if it was not; its remarks."""
    if asked.leaves_out(step.name):
        return "As asked.", []
    missing = [need for need in step.needs if need not in recipe.applied]
    if missing:
        return f"It needs {' and '.join(missing)}.", []
    copy = Tree(work / step.name)
    shutil.copytree(tree.root, copy.root)
    try:
        remarks = step.apply(copy)
        step.verify(copy)
    except Exception as error:  # whatever it is: the page works without the step
        shutil.rmtree(copy.root)
        return f"{error}" or type(error).__name__, []
    shutil.rmtree(tree.root)
    copy.root.rename(tree.root)
    return None, remarks
