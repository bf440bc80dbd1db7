"""The guard that fails a test in which a task died unheard."""

from __future__ import annotations

import asyncio

import pytest

from lost_tasks import no_task_dies_unheard


async def die() -> None:
    raise ZeroDivisionError


async def forget_one_that_dies() -> None:
    task = asyncio.create_task(die())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert task.done()


async def wait_for_one_that_dies() -> None:
    task = asyncio.create_task(die())
    await asyncio.wait([task])
    assert task.exception() is not None


def test_a_task_that_dies_and_is_forgotten_is_told_of() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"), no_task_dies_unheard():
        asyncio.run(forget_one_that_dies())


def test_a_task_whose_death_was_looked_at_is_not() -> None:
    with no_task_dies_unheard():
        asyncio.run(wait_for_one_that_dies())
