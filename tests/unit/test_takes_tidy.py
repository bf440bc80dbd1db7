"""What a host does by itself: it goes on with what was left, finishes what stands still, deletes what is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.problem import ProblemKind
from rolltape.arrivals.segments import account_of
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from takes_of_guests import ADA, Sender, segments

DAY_S = 24 * 3600
CONTENT = bytes(range(256)) * 30


def opened(tmp_path: Path, keep_days: int | None = None) -> TakesStore:
    return TakesStore(tmp_path / "takes", Quotas(free=0), keep_days)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Turns the clock of the host on by so many days."""

    def turn(days: float) -> None:
        now_ms = round((time.time() + days * DAY_S) * 1000)
        for module in ("takes_store", "takes_open", "takes_room"):
            monkeypatch.setattr(f"rolltape.server.{module}.now_ms", lambda: now_ms)

    return turn


def states(store: TakesStore) -> list[ArrivalState]:
    return [part.state for one in store.listed(ADA, mine=False) for part in one.parts]


def test_what_nobody_has_sent_to_for_a_week_is_finished(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    store = opened(tmp_path)
    sender = Sender(store)
    sender.announce()
    sender.put(0, CONTENT)
    later(6.9)
    store.tidy()
    assert states(store) == [ArrivalState.OPEN]
    later(7.1)
    store.tidy()

    assert states(store) == [ArrivalState.CUT]
    store.tidy()
    assert states(store) == [ArrivalState.CUT]


def test_what_was_kept_for_long_enough_is_deleted_and_told_before(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    store = opened(tmp_path, keep_days=30)
    sender = Sender(store)
    sender.send(CONTENT)
    ((listed,),) = [store.listed(ADA, mine=False)]
    assert listed.goes_ms is not None
    assert abs(listed.goes_ms / 1000 - time.time() - 30 * DAY_S) < 60
    later(29.9)
    store.tidy()
    assert states(store) == [ArrivalState.COMPLETE]
    later(30.1)
    store.tidy()

    assert states(store) == []
    assert not list((tmp_path / "takes").rglob("*.webm"))
    with pytest.raises(Refused) as refused:
        sender.announce()
    assert refused.value.problem.kind is ProblemKind.DELETED


def test_without_a_limit_nothing_is_deleted(tmp_path: Path, later: Callable[[float], None]) -> None:
    store = opened(tmp_path)
    Sender(store).send(CONTENT)
    later(3000)
    store.tidy()

    assert states(store) == [ArrivalState.COMPLETE]


def test_a_take_that_was_deleted_is_forgotten_when_nobody_can_send_it_any_more(
    tmp_path: Path, later: Callable[[float], None]
) -> None:
    store = opened(tmp_path)
    sender = Sender(store)
    sender.announce()
    store.delete(ADA, sender.take.id, is_director=True)
    later(30.5)
    store.tidy()
    assert list((tmp_path / "takes").rglob(sender.take.id))
    later(31.5)
    store.tidy()

    assert not list((tmp_path / "takes").rglob(sender.take.id))


def test_what_a_server_was_proving_when_it_died_is_proven_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path)
    sender = Sender(store)
    sender.announce()
    pieces = segments(CONTENT, 1000)
    for segment, piece in pieces:
        sender.put(segment.at, piece)

    class Dies(Exception):
        pass

    def dies(*_: object) -> None:
        raise Dies

    with monkeypatch.context() as broken:
        broken.setattr("rolltape.server.takes_open.OpenTake.prove", dies)
        with pytest.raises(Dies):
            sender.complete(account_of(segment for segment, _ in pieces))

    again = opened(tmp_path)
    again.tidy()
    ((listed,),) = [again.listed(ADA, mine=False)]
    assert listed.parts[0].sha256 == sha256(CONTENT).hexdigest()


def test_a_server_that_ends_leaves_what_takes_long_to_the_next(tmp_path: Path) -> None:
    store = opened(tmp_path)
    sender = Sender(store)
    sender.announce()
    sender.put(0, CONTENT)
    store.end()
    with pytest.raises(Refused) as refused:
        sender.complete()
    assert refused.value.problem.kind is ProblemKind.SERVER and refused.value.problem.retry_after_s

    again = opened(tmp_path)
    assert Sender(again).complete(sender.account).state is ArrivalState.COMPLETE
