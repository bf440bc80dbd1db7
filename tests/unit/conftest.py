"""What every unit test is held to."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from lost_tasks import no_task_dies_unheard

# How long an example takes is the machine's matter. `make quick` tries fewer; `make test` tries all.
settings.register_profile("any machine", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile(os.environ.get("ROLLTAPE_EXAMPLES", "any machine"))


@pytest.fixture(autouse=True)
def tasks_are_heard() -> Iterator[None]:
    """A task that dies without being awaited fails the test that started it."""
    with no_task_dies_unheard():
        yield
