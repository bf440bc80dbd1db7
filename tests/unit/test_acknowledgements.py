from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.acknowledgements import LATE_AFTER_MS, MAX_WAITING, Ledger, has_room


def test_what_is_acknowledged_is_what_was_given_before() -> None:
    ledger = Ledger()

    ledger.give(100, now_ms=0)
    ledger.give(50, now_ms=10)
    ledger.acknowledge(100)

    assert (ledger.given, ledger.acknowledged, ledger.owed) == (150, 100, 50)
    assert ledger.waiting_ms(now_ms=30) == 20


def test_a_sink_is_late_only_after_five_seconds_without_an_answer() -> None:
    ledger = Ledger()

    ledger.give(1, now_ms=0)

    assert not ledger.is_late(LATE_AFTER_MS)
    assert ledger.is_late(LATE_AFTER_MS + 1)
    ledger.acknowledge(1)
    assert not ledger.is_late(LATE_AFTER_MS + 1)


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("give"), st.integers(1, 1000)), st.tuples(st.just("ack"), st.integers(0, 10**6))
        )
    )
)
def test_the_count_never_shrinks_and_never_passes_what_was_given(events: list[tuple[str, int]]) -> None:
    ledger = Ledger()
    before = 0

    for moment, (kind, number) in enumerate(events):
        if kind == "give":
            ledger.give(number, float(moment))
        else:
            ledger.acknowledge(number)
        assert before <= ledger.acknowledged <= ledger.given
        assert (ledger.waiting_ms(float(len(events))) > 0) == (ledger.owed > 0)
        before = ledger.acknowledged


@given(st.lists(st.integers(1, MAX_WAITING // 3), max_size=8), st.integers(1, MAX_WAITING))
def test_no_more_waits_in_memory_than_may_over_all_downloads(owed: list[int], size: int) -> None:
    ledgers = [Ledger() for _ in owed]
    for ledger, amount in zip(ledgers, owed, strict=True):
        ledger.give(amount + 5, 0)
        ledger.acknowledge(5)

    assert has_room(ledgers, size) == (sum(owed) + size <= MAX_WAITING)


def test_what_the_page_lets_wait_is_less_than_the_service_worker_does() -> None:
    worker = (Path(__file__).parents[2] / "sw.js").read_text()

    assert "MAX_WAITING = 32 << 20" in worker and MAX_WAITING < 32 << 20
