"""Whatever the bytes: a result or a sentence, in bounded time and memory.

2 000 damaged recordings in every run; `make fuzz` tries 100 000 (ROLLTAPE_FUZZ says how many).
"""

from __future__ import annotations

import os
import random
import resource
import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolltape.core.errors import ConvertError
from rolltape.media import ebml
from rolltape.media.ebml import Id
from unit.convert_tools import converted
from unit.media_files import DATA, block, cluster, header

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("ROLLTAPE_FUZZ", "2000"))
MAX_BYTES = 24_000
MAX_SECONDS = 20.0
"""For one input, on a machine that does other things too; hours of silence may have to be written."""
MAX_MEMORY_KB = 250_000
TARGETS = ("opus", "wav", "webm", "mp4")
MARKS = [ebml.write_id(ident) for ident in Id]


@cache
def originals() -> list[bytes]:
    return [
        path.read_bytes()[:MAX_BYTES] for path in sorted(DATA.iterdir()) if path.suffix in (".webm", ".mkv")
    ]


def damaged(seed: int) -> bytes:
    """A recording, cut, stretched, overwritten and shuffled in a few places; each seed gives the same."""
    dice = random.Random(seed)
    data = bytearray(dice.choice(originals()))
    for _ in range(dice.randint(1, 6)):
        at = (
            dice.randrange(len(data) or 1)
            if dice.random() < 0.6
            else dice.randrange(min(len(data), 600) or 1)
        )
        length = min(dice.choice((1, 1, 1, 2, 4, 8, 200, 4000)), len(data) - at)
        match dice.randrange(8):
            case 0 | 1:
                data[at : at + length] = dice.randbytes(length)
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length] * dice.randint(1, 3)
            case 4:
                data[at:at] = dice.choice(MARKS) + ebml.write_size(dice.choice((0, 1, 5, 1 << 20, 1 << 40)))
            case 5:
                data[at : at + length] = dice.choice((b"\0", b"\xff", b"\x01")) * length
            case 6:
                del data[at:]
            case _ if data:
                data[at] ^= 1 << dice.randrange(8)
    return bytes(data)


def tried(data: bytes, target: str) -> bool:
    """Whether it could be converted; anything but a result or a sentence is an error of ours."""
    began = time.monotonic()
    try:
        result = converted(data, target)
    except ConvertError as error:
        assert error.sentence.endswith(".")
        return False
    finally:
        assert time.monotonic() - began < MAX_SECONDS
    assert result.data and all(loss.endswith(".") for loss in result.losses)
    return True


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_damaged_recordings_give_a_result_or_a_sentence() -> None:
    before, worked = peak_kb(), 0

    for seed in range(COUNT):
        try:
            worked += tried(damaged(seed), TARGETS[seed % len(TARGETS)])
        except BaseException:
            print(f"The input of seed {seed} is the culprit.")
            raise

    assert COUNT / 5 < worked < COUNT
    assert peak_kb() - before < MAX_MEMORY_KB


_frames = st.one_of(st.binary(max_size=40), st.just(b"\xfc\xff\xfe"))
_ticks = st.integers(-0x8000, 0x7FFF)
_blocks = st.builds(block, st.integers(1, 3), _ticks, _frames, st.booleans())
_laced = st.builds(
    lambda flags, payload: ebml.element(Id.SIMPLE_BLOCK, b"\x82\0\0" + bytes([flags]) + payload),
    st.sampled_from((2, 4, 6)),
    st.binary(max_size=60),
)
_group = st.builds(
    lambda payload, extra: ebml.element(
        Id.BLOCK_GROUP, ebml.element(Id.BLOCK, b"\x82\0\0\0" + payload) + extra
    ),
    _frames,
    st.one_of(
        st.just(b""),
        st.builds(lambda value: ebml.element(Id.DISCARD_PADDING, value), st.binary(max_size=9)),
        st.builds(lambda value: ebml.element(Id.BLOCK_DURATION, value), st.binary(max_size=9)),
    ),
)
_anything = st.builds(ebml.element, st.sampled_from(list(Id)), st.binary(max_size=30))
_clusters = st.builds(
    lambda ticks, children: cluster(ticks, *children),
    st.one_of(st.integers(0, 100_000), st.integers(0, (1 << 63) - 1)),
    st.lists(st.one_of(_blocks, _laced, _group, _anything), max_size=12),
)
_headers = st.builds(
    header,
    st.one_of(st.just(1_000_000), st.integers(1, 1 << 40)),
    st.sampled_from(("V_VP8", "")),
    st.sampled_from(("A_OPUS", "A_PCM/INT/LIT", "A_PCM/FLOAT/IEEE")),
)


@settings(max_examples=max(100, COUNT // 10), deadline=None)
@given(_headers, st.lists(_clusters, max_size=6), st.sampled_from(TARGETS))
def test_recordings_that_nobody_makes_give_a_result_or_a_sentence(
    start: bytes, clusters: list[bytes], target: str
) -> None:
    tried(start + b"".join(clusters), target)


@pytest.mark.parametrize("target", TARGETS)
def test_a_cluster_without_a_time_after_a_block_before_the_beginning_is_converted(target: str) -> None:
    before = b"\xa3\x87\x81\xff\xfc\x00\xfc\xff\xfe"  # four ticks before its Cluster
    undated = ebml.element(Id.CLUSTER, before)
    start = header(1_000_000, "V_VP8", "A_OPUS")
    tried(start + cluster(0, before) + undated, target)
    tried(start + cluster(0, before) + start + cluster(0, before), target)
