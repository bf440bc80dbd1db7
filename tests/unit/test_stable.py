"""What is sent while it is recorded stays what it is: behind the header, up to `stable`, no byte ever changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rolltape.media.wav_recording import HEADER_SIZE
from rolltape.media.wav_recording import header as wav_header
from rolltape.recording.container import ContainerStream, Untouched
from rolltape.recording.mp4_container import Mp4
from rolltape.recording.wav_container import Wav
from rolltape.recording.webm_container import Webm
from unit.media_files import BROWSER_FILES, DATA, LIVE_FILES, recording

CLUSTER = b"\x1f\x43\xb6\x75"
pieces = st.lists(st.integers(1, 60_000), min_size=1, max_size=40)


class Recorded:
    """A file while it is recorded, and what was sent of it: each stretch as it was when it became stable."""

    def __init__(self, stream: ContainerStream) -> None:
        self.stream = stream
        self.file = bytearray()
        self.head: bytes | None = None
        self.sent = bytearray()

    def take_in(self, chunk: bytes) -> None:
        """As a part does: the bytes, then the patches; and then what is stable is sent."""
        self.file += self.stream.feed(chunk)
        for patch in self.stream.patches():
            self.file[patch.offset : patch.offset + len(patch.data)] = patch.data
        head, stable = self.stream.head, self.stream.stable
        assert stable <= len(self.file)
        if stable > 0 and self.head is None:
            self.head = bytes(self.file[:head])
            self.sent += self.head
        if self.head is not None:
            assert head == len(self.head)
            assert stable >= len(self.sent) or stable == 0
            self.sent += self.file[len(self.sent) : stable]

    def finish(self) -> bytes:
        ending = self.stream.finish()
        if ending.truncate_to is not None:
            del self.file[ending.truncate_to :]
        self.file += ending.append
        for patch in ending.patches:
            self.file[patch.offset : patch.offset + len(patch.data)] = patch.data
        return bytes(self.file)

    def arrived(self) -> bytes:
        """What lies at the host after the end: what was sent, the header once more, and the rest."""
        head = len(self.head or b"")
        return bytes(self.file[:head] + self.sent[head:] + self.file[len(self.sent) :])


def in_pieces(data: bytes, sizes: list[int]) -> list[bytes]:
    cut: list[bytes] = []
    at = 0
    while at < len(data):
        size = sizes[len(cut) % len(sizes)]
        cut.append(data[at : at + size])
        at += size
    return cut


def recorded(stream: ContainerStream, data: bytes, sizes: list[int]) -> Recorded:
    made = Recorded(stream)
    for piece in in_pieces(data, sizes):
        made.take_in(piece)
    return made


@pytest.mark.parametrize("name", BROWSER_FILES)
@given(sizes=pieces)
@example(sizes=[16_384])
def test_what_was_sent_and_the_header_once_more_are_the_finished_file(name: str, sizes: list[int]) -> None:
    made = recorded(Webm(), (DATA / name).read_bytes(), sizes)

    finished = made.finish()

    assert made.arrived() == finished
    assert 500 < len(made.head or b"") < 1000


@pytest.mark.parametrize("name", LIVE_FILES)
def test_other_writers_files_too(name: str) -> None:
    made = recorded(Webm(), recording(name), [16_384])

    finished = made.finish()

    assert made.arrived() == finished


@pytest.mark.parametrize("name", BROWSER_FILES + LIVE_FILES)
def test_it_lags_by_one_cluster(name: str) -> None:
    made = recorded(Webm(), recording(name), [16_384])

    rest = bytes(made.file[len(made.sent) :])
    assert rest.startswith(CLUSTER)
    assert rest.count(CLUSTER) == 1


@given(seed=st.integers(0, 2**32), sizes=pieces, name=st.sampled_from(BROWSER_FILES))
def test_damage_never_reaches_back_before_it(seed: int, sizes: list[int], name: str) -> None:
    dice = random.Random(seed)
    data = bytearray((DATA / name).read_bytes())
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data))
        data[at : at + dice.randint(1, 400)] = dice.randbytes(dice.randint(1, 400))
    made = recorded(Webm(), bytes(data), sizes)

    finished = made.finish()

    assert made.arrived() == finished


@given(frames=st.integers(0, 5000), torn=st.integers(0, 7), sizes=pieces)
def test_of_wav_only_the_header_changes(frames: int, torn: int, sizes: list[int]) -> None:
    data = wav_header(48_000, 2) + bytes(range(256)) * (frames * 8 // 256 + 1)
    made = recorded(Wav(), data[: HEADER_SIZE + frames * 8 + torn], sizes)

    finished = made.finish()

    assert made.arrived() == finished
    assert len(made.sent) in (0, HEADER_SIZE + frames * 8)


@given(data=st.binary(max_size=3000), sizes=pieces)
def test_what_is_not_finished_in_place_is_stable_at_once(data: bytes, sizes: list[int]) -> None:
    for stream in (Untouched(), Mp4(), Wav()):
        made = recorded(stream, data, sizes)

        finished = made.finish()

        assert made.arrived() == finished
