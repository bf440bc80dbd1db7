"""The journal's worker dies, hangs, or answers late: nothing raises where nobody hears it, nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from browser_stubs import Target, stubbed_browser
from rolltape.core.errors import SinkError
from rolltape.media.ending import Patch

_Value = TypeVar("_Value")

PATH = "takes/x/part1"
SILENCE_S = 20.5


class StubWorker(Target):
    """A worker that says only what a test has it say."""

    hired: list[StubWorker]

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.asked: list[Any] = []
        self.terminated = False
        self.hired.append(self)

    @classmethod
    def new(cls, url: str, name: str) -> StubWorker:
        return cls(name)

    def postMessage(self, message: list[Any], transfer: Any = None) -> None:
        assert not self.terminated
        self.asked.append(message)

    def terminate(self) -> None:
        self.terminated = True

    def answer(self, *told: Any) -> None:
        self.fire("message", SimpleNamespace(data=list(told)))


class StubLocks:
    """Web Locks whose holders never die by themselves."""

    def request(self, name: str, then: Any) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()


class StubConsole:
    @staticmethod
    def info(sentence: str) -> None:
        return


class Stage:
    """The journal's modules over stubbed workers, and a clock that can be put forward."""

    def __init__(self, load: Any) -> None:
        self.worker_module = load("rolltape.browser.journal_worker")
        self.journal_module = load("rolltape.browser.journal")

    @property
    def worker(self) -> StubWorker:
        """The one that lives now."""
        return StubWorker.hired[-1]

    async def opened(self) -> Any:
        """A journal with one open file, and that file."""
        journal = self.journal_module.Journal(object())
        creating = asyncio.create_task(journal.create(PATH))
        await turns()
        self.worker.answer(1, 0)
        return journal, await creating

    async def skip(self, seconds: float) -> None:
        """Let so much time pass at once."""
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + seconds  # type: ignore[method-assign]
        await turns()


async def turns() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


def run(coroutine: Coroutine[Any, Any, _Value]) -> _Value:
    return asyncio.run(coroutine)


@pytest.fixture
def stage() -> Iterator[Stage]:
    StubWorker.hired = []
    clock = SimpleNamespace(now=lambda: 1000.0)
    navigator = SimpleNamespace(locks=StubLocks())
    members = {"performance": clock, "navigator": navigator, "window": object(), "console": StubConsole}
    with stubbed_browser(Worker=StubWorker, **members) as load:
        yield Stage(load)


def test_an_answer_that_comes_after_the_worker_was_given_up_disturbs_nobody(stage: Stage) -> None:
    async def story() -> None:
        worker = stage.worker_module.JournalWorker()
        asked = worker.ask("open", PATH)
        stage.worker.fire("error", SimpleNamespace(message="boom"))
        with pytest.raises(SinkError, match="stopped"):
            await asked
        stage.worker.answer(1, 0)

    run(story())


def test_an_answer_that_comes_twice_disturbs_nobody(stage: Stage) -> None:
    async def story() -> None:
        worker = stage.worker_module.JournalWorker()
        asked = worker.ask("open", PATH)
        stage.worker.answer(1, 7)
        stage.worker.answer(1, 9)
        assert await asked == 7

    run(story())


def test_a_worker_with_an_error_lets_go_of_its_files(stage: Stage) -> None:
    async def story() -> None:
        await stage.opened()
        stage.worker.fire("error", SimpleNamespace(message="boom"))
        assert stage.worker.terminated

    run(story())


def test_a_file_whose_worker_is_gone_closes_and_says_what_it_holds(stage: Stage) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        file.write(b"0123456789")
        stage.worker.answer(2, 10)
        await file.settle()
        file.write(b"never written")
        stage.worker.fire("error", SimpleNamespace(message="boom"))
        assert await file.close() == 10
        assert isinstance(file.error, SinkError)
        with pytest.raises(SinkError, match="stopped"):
            await file.settle()

    run(story())


@pytest.mark.parametrize("operation", ["settle", "close", "truncate"])
def test_a_worker_that_hangs_is_followed_by_another_that_is_asked_again(stage: Stage, operation: str) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        hung = stage.worker
        file.write(b"0123456789")
        given = (4,) if operation == "truncate" else ()
        ending = asyncio.create_task(getattr(file, operation)(*given))
        await turns()
        await stage.skip(SILENCE_S)
        assert hung.terminated
        assert stage.worker is not hung
        for number, asked, *_ in sorted(stage.worker.asked, key=lambda message: message[1] != "open"):
            stage.worker.answer(number, 4 if asked == "truncate" else 10)
        await ending
        assert file.ledger.acknowledged == 10
        assert file.error is None

    run(story())


@pytest.mark.parametrize("operation", ["settle", "close", "truncate"])
def test_what_no_worker_answers_ends_within_a_minute_and_is_told(stage: Stage, operation: str) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        file.write(b"0123456789")
        given = (4,) if operation == "truncate" else ()
        ending = asyncio.create_task(getattr(file, operation)(*given))
        await turns()
        await stage.skip(SILENCE_S)
        number, asked, *_ = stage.worker.asked[0]
        assert asked == "open"
        stage.worker.answer(number, 0)
        await stage.skip(SILENCE_S)
        assert stage.worker.terminated
        if operation == "close":
            assert await ending == 0
        else:
            with pytest.raises(SinkError, match="What writes the crash-proof copy does not answer"):
                await ending
        assert isinstance(file.error, SinkError)
        assert "does not answer" in file.error.sentence

    run(story())


def test_a_worker_that_never_answers_is_given_up_and_the_next_take_gets_another(stage: Stage) -> None:
    async def story() -> None:
        journal = stage.journal_module.Journal(object())
        logging = asyncio.create_task(journal.append_text("takes/x/take.jsonl", "a line"))
        await turns()
        await stage.skip(SILENCE_S)
        with pytest.raises(SinkError, match="does not answer"):
            await logging
        assert stage.worker.terminated

        again = asyncio.create_task(journal.append_text("takes/y/take.jsonl", "a line"))
        await turns()
        number, asked, *_ = stage.worker.asked[0]
        assert asked == "append"
        stage.worker.answer(number, 6)
        await again

    run(story())


def test_a_page_that_was_held_up_does_not_take_its_worker_for_dead(stage: Stage) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        file.write(b"0123456789")
        await stage.skip(60)
        assert not stage.worker.terminated
        stage.worker.answer(2, 10)
        await file.settle()

    run(story())


def test_a_slow_worker_that_goes_on_answering_is_waited_for(stage: Stage) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        for _ in range(4):
            file.write(b"0123456789")
        settling = asyncio.create_task(file.settle())
        await turns()
        for done in range(4):
            await stage.skip(15)
            stage.worker.answer(2 + done, 10 * (done + 1))
        await settling
        assert len(StubWorker.hired) == 1

    run(story())


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ((5,), "There is no room left in the browser's storage."),
        ((-1, "QuotaExceededError", "full"), "There is no room left in the browser's storage."),
        ((-1, "NoModificationAllowedError", "held"), "Another tab holds this recording."),
        ((-1, "InvalidStateError", "closed"), "The browser's storage failed."),
    ],
    ids=["less is there than was written", "full", "held", "anything else"],
)
def test_a_write_that_failed_says_why_and_is_not_taken_for_written(
    stage: Stage, told: tuple[Any, ...], sentence: str
) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        file.write(b"0123456789")
        stage.worker.answer(2, *told)
        with pytest.raises(SinkError) as failed:
            await file.settle()
        assert failed.value.sentence == sentence
        assert file.ledger.acknowledged == 0

    run(story())


def test_what_is_put_right_in_a_long_file_is_two_questions_and_the_last_of_it_is_alone(stage: Stage) -> None:
    async def story() -> None:
        _, file = await stage.opened()
        file.patch([Patch(100 * at, b"size") for at in range(8000)] + [Patch(7, b"whole")])
        _, *asked = stage.worker.asked
        assert [message[1] for message in asked] == ["write", "write"]
        (first, last) = ((message[3], message[4]) for message in asked)
        assert first[0].data == b"size" * 8000
        assert list(first[1]) == [(100 * at, 4 * at, 4 * at + 4) for at in range(8000)]
        assert list(last[1]) == [(7, 0, 5)]
        stage.worker.answer(2, 10**6)
        stage.worker.answer(3, 10**6)
        await file.settle()

    run(story())
