"""A recorder that leaves pictures out is found out within seconds, and one that only gives them out late is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.recording.keep_up import REMEMBERED_MS, KeepUp, KnownSlow, Shortfall
from rolltape.settings.codec import CodecWish, VideoCodec, candidates


def watched(
    held_share: float, every_ms: int, given_fps: float = 30, for_ms: int = 20_000
) -> tuple[int, Shortfall] | None:
    """When a recorder is found out that holds this share, and gives out what it has so often, 700 ms late."""
    watch = KeepUp()
    for at in range(0, for_ms, 200):
        out = max(0, (at - 700) // every_ms * every_ms)
        found = watch.look(at, round(at * given_fps / 1000), round(out * given_fps * held_share / 1000))
        if found is not None:
            return at, found
    return None


@pytest.mark.parametrize("every_ms", [500, 2000])
def test_eleven_of_thirty_are_found_out_with_both_numbers(every_ms: int) -> None:
    found = watched(11 / 30, every_ms)

    assert found is not None
    at_ms, short = found
    assert at_ms <= (4000 if every_ms == 500 else 7000)
    assert round(short.given_fps) == 30 and 9 <= short.held_fps <= 13
    assert "Of 30 pictures a second" in short.sentence and f"only {short.held_fps:.0f}" in short.sentence


def test_what_is_not_clear_after_two_seconds_is_watched_for_three() -> None:
    clear, doubtful = watched(0.4, 500), watched(0.7, 500)

    assert clear is not None and doubtful is not None
    assert doubtful[0] - clear[0] >= 1000


@given(st.floats(0.9, 1), st.sampled_from([500, 1000, 2000]), st.floats(5, 60))
def test_who_keeps_up_is_not_blamed_however_late_it_comes(share: float, every_ms: int, fps: float) -> None:
    assert watched(share, every_ms, fps) is None


FRAGMENTS = (
    (3802, 50), (4816, 61), (5826, 114), (6839, 121), (8054, 178), (9068, 182), (10082, 242), (11094, 243)
)  # fmt: skip
"""When so many pictures were in an MP4 of Chromium's, of a camera that gave 30 a second; none was left out."""


@pytest.mark.parametrize("left_out", range(4))
def test_fragments_that_end_early_and_late_by_turns_are_no_pictures_left_out(left_out: int) -> None:
    watch, held, told = KeepUp(), 0, []
    came = dict(FRAGMENTS[left_out:])
    for now_ms in range(3802, 13_000):
        held = came.get(now_ms, held)
        if (now_ms - 3802) % 200 == 0:
            told.append(watch.look(now_ms, 70 + (now_ms - 3802) * 30 // 1000, held))
    assert not any(told)


def test_a_camera_that_gives_little_is_no_slow_recorder() -> None:
    assert watched(1.0, 500, given_fps=7) is None


def test_a_page_that_was_held_up_begins_anew_and_so_does_a_new_part() -> None:
    watch = KeepUp()
    for at in range(0, 4000, 200):
        watch.look(at, at // 33, at // 33)
    assert watch.look(9000, 300, 130) is None, "nobody knows when these came"
    assert watch.look(9200, 306, 131) is None
    watch.restart()
    assert watch.look(9400, 312, 2) is None


def test_what_nobody_can_count_is_not_judged() -> None:
    watch = KeepUp()

    assert not any(watch.look(at * 200, None, at) or watch.look(at * 200, at * 6, None) for at in range(100))


class Memory:
    text = ""
    ms = 1e12

    def keep(self, text: str) -> None:
        self.text = text


def known_slow(memory: Memory) -> KnownSlow:
    return KnownSlow(lambda: memory.text, memory.keep, lambda: memory.ms)


def test_a_codec_that_was_too_slow_is_remembered_for_pictures_as_large_and_not_for_ever() -> None:
    memory = Memory()
    known_slow(memory).add(VideoCodec.VP8, 1280, 720, 20)
    slow = known_slow(memory)

    assert slow.at(1280, 720, 30) == slow.at(1920, 1080, 30) == {VideoCodec.VP8}
    assert slow.at(640, 360, 30) == slow.at(1280, 720, 15) == frozenset(), "so much it managed"
    slow.add(VideoCodec.VP8, 1920, 1080, 30)
    assert slow.at(1280, 720, 30) == {VideoCodec.VP8}, "it was slow for less"
    memory.ms += REMEMBERED_MS + 1
    assert slow.at(1920, 1080, 30) == frozenset()


def test_what_others_will_manage_is_expected_from_what_one_did() -> None:
    slow = known_slow(Memory())
    assert slow.expected(1920, 1080, 60) == frozenset()

    slow.add(VideoCodec.VP8, 1920, 1080, 11)
    assert slow.expected(1920, 1080, 30) == {VideoCodec.VP9, VideoCodec.AV1}
    assert slow.expected(1280, 720, 30) == frozenset()
    slow.add(VideoCodec.VP8, 1920, 1080, 7)
    assert slow.expected(1920, 1080, 30) == {VideoCodec.H264, VideoCodec.VP9, VideoCodec.AV1}
    assert slow.expected(1280, 720, 30) == {VideoCodec.AV1}


def test_a_picture_is_made_so_small_that_it_is_kept_up_with() -> None:
    slow = known_slow(Memory())
    assert slow.smaller(VideoCodec.H264, 1920, 1080, 30) == (1280, 720), "nothing is known"

    slow.add(VideoCodec.VP8, 1920, 1080, 7)
    assert slow.smaller(VideoCodec.H264, 1920, 1080, 30) == (1280, 720)
    slow.add(VideoCodec.VP8, 1920, 1080, 5)
    assert slow.smaller(VideoCodec.H264, 1920, 1080, 30) == (960, 540), (
        "720 lines would do, with nothing to spare"
    )
    assert slow.smaller(VideoCodec.VP8, 1080, 1920, 30) == (540, 960), "the smallest"
    assert slow.smaller(VideoCodec.H264, 960, 540, 30) is None


def test_a_memory_that_makes_no_sense_is_none() -> None:
    memory = Memory()
    memory.text = "vp8\nvp7 1 1\nvp9 x 3\n\x00"

    assert known_slow(memory).at(9999, 9999, 60) == frozenset()


def test_what_was_too_slow_is_tried_last_but_what_is_insisted_on_is_not() -> None:
    slow = frozenset({VideoCodec.VP8})

    assert candidates(CodecWish(), slow=slow)[0].video is VideoCodec.H264
    assert candidates(CodecWish(VideoCodec.VP8), slow=slow)[0].video is VideoCodec.VP8
    assert candidates(CodecWish(), slow=frozenset(VideoCodec))[0].video is VideoCodec.H264, "the quickest"
    assert {one.mime_type for one in candidates(CodecWish(), slow=slow)} == {
        one.mime_type for one in candidates(CodecWish())
    }
