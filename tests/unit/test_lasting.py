"""What a server does for as long as it runs: no one exception ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

import pytest

from rolltape.server.lasting import lasting


def test_a_task_that_breaks_off_is_logged_counted_and_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    counted: list[str] = []
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        if begun == 3:
            await asyncio.Event().wait()

    async def story() -> None:
        task = asyncio.create_task(lasting("publishing", work, counted.append, again_s=0))
        while begun < 3:
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with caplog.at_level(logging.ERROR):
        asyncio.run(asyncio.wait_for(story(), 5))

    assert counted == ["publishing", "publishing"]
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert caplog.records[0].exc_info is not None
