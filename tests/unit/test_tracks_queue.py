"""The queue of tracks at the host: each job is worked on by one, and none is lost, whoever dies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.arrivals.tracks import TrackFile, TracksEvent, TracksState, advance, diagram
from rolltape.core.life_cycle import WrongMoment
from rolltape.server.takes_folder import Folder
from rolltape.server.takes_refused import Refused
from rolltape.server.tracks_queue import MAX_WAITING, Job, TracksQueue

FILE = TrackFile("Ada.wav", 1000, "0" * 64, 17, 1764381600000)
Queues = Callable[..., TracksQueue]


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[Queues]:
    """Opens the queue as another process does."""
    made: list[tuple[Folder, TracksQueue]] = []

    def opened(lease_s: float = 1000) -> TracksQueue:
        folder = Folder.root(tmp_path)
        made.append((folder, TracksQueue(folder, lease_s)))
        return made[-1][1]

    yield opened
    for folder, queue in made:
        queue.close()
        folder.close()


def same(job: Job) -> Job:
    return job


def nothing() -> None:
    """There is nothing to put in place."""


def asked(queue: TracksQueue, session: str = "s1") -> Job:
    return queue.ask("room", session, "{}", ["ada take"])


def taken(queue: TracksQueue, worker: str) -> Job:
    job = queue.take_up(worker)
    assert job is not None
    return job


def state(queue: TracksQueue, session: str = "s1") -> TracksState | None:
    job = queue.job("room", session)
    return None if job is None else job.state


def test_a_job_is_made_and_every_host_sees_how_far_it_is(queues: Queues) -> None:
    here, there = queues(), queues()
    job = asked(here)
    assert state(there) is TracksState.QUEUED

    taken(there, "worker")
    assert there.beat(job.id, "worker", lambda one: replace(one, making="Ada.wav", share=0.5), False)
    seen = here.job("room", "s1")
    assert seen is not None and (seen.state, seen.making, seen.share) == (TracksState.MAKING, "Ada.wav", 0.5)

    assert there.beat(job.id, "worker", lambda one: replace(one, files=(FILE,)), False)
    assert there.end(job.id, "worker", TracksEvent.MADE, same, nothing)
    listed = here.job("room", "s1").listed(0)  # type: ignore[union-attr]
    assert (listed.state, listed.files, listed.making) == (TracksState.READY, (FILE,), "")
    assert here.take_up("another") is None


def test_each_job_is_taken_up_by_one_of_many_workers(queues: Queues) -> None:
    for number in range(12):
        asked(queues(), f"s{number}")
    found: list[str] = []

    def work(queue: TracksQueue, worker: str) -> None:
        while (job := queue.take_up(worker)) is not None:
            found.append(job.session)

    threads = [threading.Thread(target=work, args=(queues(), f"worker{number}")) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(f"s{number}" for number in range(12))


def test_what_was_asked_for_first_is_made_first(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = queues()
    for number in (3, 1, 2):
        monkeypatch.setattr("rolltape.server.tracks_queue.now_ms", lambda number=number: number)
        asked(queue, f"s{number}")

    last = queue.job("room", "s3")
    assert last is not None and queue.listed(last).ahead == 2
    assert [taken(queue, "w").session for _ in range(3)] == ["s1", "s2", "s3"]


def test_a_job_whose_worker_says_nothing_more_is_taken_up_by_another(queues: Queues) -> None:
    first, second = queues(), queues(lease_s=0)
    job = asked(first)
    taken(first, "dead")
    assert second.take_up("heir") is None, "the first look only notes what was said last"
    assert first.beat(job.id, "dead", same, True)
    assert second.take_up("heir") is None, "it was said again meanwhile"

    assert taken(second, "heir").tries == 2
    assert not first.beat(job.id, "dead", same, True), "it is not the dead one's any more"
    assert not first.end(job.id, "dead", TracksEvent.MADE, same, nothing)
    assert state(first) is TracksState.MAKING


def test_a_job_that_ends_every_worker_is_given_up_with_a_sentence(queues: Queues) -> None:
    asked(queues())
    for worker in ("a", "b", "c"):
        queue = queues(lease_s=0)
        queue.take_up(worker)
        taken(queue, worker) if worker != "a" else None

    last = queues(lease_s=0)
    assert [last.take_up("d"), last.take_up("d")] == [None, None]
    job = last.job("room", "s1")
    assert job is not None and job.state is TracksState.FAILED
    assert job.said == ("It was tried three times, and each time what made them ended without a word.",)


def test_what_is_cancelled_waits_for_its_worker_before_it_can_be_made_again(queues: Queues) -> None:
    queue = queues()
    job = asked(queue)
    taken(queue, "first")
    queue.beat(job.id, "first", lambda one: replace(one, files=(FILE,)), False)
    cancelled = queue.cancel("room", "s1")
    assert cancelled is not None and (cancelled.state, cancelled.files) == (TracksState.NONE, (FILE,))
    assert not queue.beat(job.id, "first", same, False)

    assert asked(queue).files == ()
    assert queue.take_up("second") is None, "the first one's process may still write"
    assert queue.end(job.id, "first", TracksEvent.MADE, lambda one: one.saying("No."), nothing)
    assert taken(queue, "second").said == ()


def test_asking_twice_is_asking_once(queues: Queues) -> None:
    queue = queues()
    assert asked(queue) == asked(queue)
    taken(queue, "worker")
    assert asked(queue).state is TracksState.MAKING


def test_what_is_let_go_is_taken_up_as_if_for_the_first_time(queues: Queues) -> None:
    queue = queues()
    job = asked(queue)
    for _ in range(5):
        assert taken(queue, "worker").tries == 1
        assert queue.end(job.id, "worker", TracksEvent.LET_GO, same, nothing)
    assert state(queue) is TracksState.QUEUED


def test_what_is_forgotten_ends_its_worker(queues: Queues) -> None:
    queue = queues()
    job = asked(queue)
    taken(queue, "worker")
    queue.forget("room", "s1")
    assert not queue.beat(job.id, "worker", same, True)
    assert not queue.end(job.id, "worker", TracksEvent.MADE, same, nothing)
    assert state(queue) is None


def test_made_without_a_file_is_not_ready(queues: Queues) -> None:
    queue = queues()
    job = asked(queue)
    taken(queue, "worker")
    queue.end(job.id, "worker", TracksEvent.MADE, same, nothing)
    assert state(queue) is TracksState.FAILED


def test_only_so_many_wait(queues: Queues) -> None:
    queue = queues()
    for number in range(MAX_WAITING):
        asked(queue, f"s{number}")
    with pytest.raises(Refused, match="Too many sessions wait"):
        asked(queue, "one more")


def test_a_file_that_is_no_job_stops_nobody(queues: Queues, tmp_path: Path) -> None:
    (tmp_path / ".tracks").mkdir()
    (tmp_path / ".tracks" / "aaaaaaaaaaaa.json").write_text("{")
    queue = queues()
    asked(queue)
    assert taken(queue, "worker").session == "s1"


def test_workers_are_seen_while_they_say_so(queues: Queues) -> None:
    here, there = queues(), queues()
    assert not here.is_anybody_there()
    there.here("worker")
    assert here.is_anybody_there()
    there.gone("worker")
    assert not here.is_anybody_there()


@given(st.lists(st.sampled_from(list(TracksEvent))))
def test_the_table_has_an_answer_for_everything(events: list[TracksEvent]) -> None:
    now = TracksState.NONE
    for event in events:
        try:
            now = advance(now, event)
        except WrongMoment as error:
            assert str(error).startswith("The session's tracks was")
    assert f"[*] --> {TracksState.NONE}" in diagram()


OTHER = replace(FILE, name="Grace.wav")


def made_once(queue: TracksQueue) -> Job:
    job = asked(queue)
    taken(queue, "worker")
    assert queue.beat(job.id, "worker", lambda one: replace(one, files=(FILE,)), False)
    assert queue.end(job.id, "worker", TracksEvent.MADE, same, nothing)
    return job


def test_what_was_made_is_given_away_until_all_is_there_that_is_made_anew(queues: Queues) -> None:
    queue, put = queues(), list[str]()
    job = made_once(queue)
    queue.ask("room", "s1", "{}", ["grace take"])
    taken(queue, "worker")
    assert queue.beat(job.id, "worker", lambda one: replace(one, files=(OTHER,)), False)
    now = queues().job("room", "s1")
    assert now is not None and now.listed(0).files == (FILE,)
    assert now.all_takes == ("grace take", "ada take")

    assert queue.end(job.id, "worker", TracksEvent.MADE, same, lambda: put.append("in place"))
    now = queues().job("room", "s1")
    assert now is not None and (now.listed(0).files, now.all_takes) == ((OTHER,), ("grace take",))
    assert put == ["in place"]


@pytest.mark.parametrize("how", ["cancelled", "broke off", "ended three workers", "nothing made"])
def test_what_was_made_stays_where_making_it_anew_does_not_get_to_its_end(queues: Queues, how: str) -> None:
    queue = queues(0.0)
    job = made_once(queue)
    before = queue.job("room", "s1")
    queue.ask("room", "s1", "{}", ["grace take"])
    taken(queue, "worker")
    match how:
        case "cancelled":
            queue.cancel("room", "s1")
            queue.end(job.id, "worker", TracksEvent.MADE, same, pytest.fail)
        case "ended three workers":
            for _ in range(10):
                queue.take_up("another")
        case _:
            event = TracksEvent.BROKE_OFF if how == "broke off" else TracksEvent.MADE
            queue.end(job.id, "worker", event, same, pytest.fail)
    now = queue.job("room", "s1")
    assert before is not None and now is not None and not now.is_waited_for
    assert (now.files, now.takes, now.asked_ms, now.earlier) == (
        before.files,
        before.takes,
        before.asked_ms,
        None,
    )
    assert ("What was made before is still there." in now.said) == (how != "cancelled")


def test_what_is_let_go_while_it_is_made_anew_goes_on_beside_what_was_made(queues: Queues) -> None:
    queue = queues()
    job = made_once(queue)
    asked(queue)
    taken(queue, "worker")
    assert queue.beat(job.id, "worker", lambda one: replace(one, files=(OTHER,)), False)
    assert queue.end(job.id, "worker", TracksEvent.LET_GO, same, pytest.fail)

    again = taken(queue, "another")
    assert (again.files, again.given) == ((OTHER,), (FILE,))
