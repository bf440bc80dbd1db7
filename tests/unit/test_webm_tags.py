"""What a file carries about itself is found again: when it is finished, and recovered, by other programs too."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolltape.media.webm import Index, WebmStream, finish
from rolltape.media.webm_tags import tag_in, tags
from unit.media_files import BROWSER_FILES, WRITING_APP, apply, chunked, recording

NAME, TEXT = "ROLLTAPE_CLOCK", '{"browser": "Chromium 156 ü", "marks": [[1, 7.0, 480]]}'
TAGS = tags(NAME, TEXT)


def tag(data: bytes) -> str | None:
    return tag_in(lambda start, end: data[start:end], NAME)


def made(name: str) -> tuple[WebmStream, bytes]:
    stream = WebmStream(WRITING_APP)
    return stream, b"".join(stream.feed(chunk) for chunk in chunked(recording(name), 3000))


def again(data: bytes, more: bytes = TAGS) -> bytes:
    """The file after a recovery that has these tags to give."""
    index = Index()
    index.feed(data)
    return apply(data, finish(index, more))


@pytest.mark.parametrize("name", BROWSER_FILES)
def test_a_finished_file_tells_it_and_recovery_gives_it_once(name: str) -> None:
    stream, written = made(name)

    done = apply(written, stream.finish(TAGS))

    assert tag(done) == TEXT
    assert again(done) == done, "it is finished"
    assert tag(again(written)) == TEXT, "what broke off gets it when it is recovered"
    assert tag(again(again(written, b"")[: len(written)])) == TEXT
    torn = apply(written, stream.finish(TAGS))[: -len(stream.finish(TAGS).append) + len(TAGS) + 3]
    assert tag(again(torn, b"")) == TEXT, "what was written of it before the machine stopped is kept"
    assert again(torn).count(NAME.encode()) == 1


def test_where_there_is_no_room_for_it_the_file_goes_without() -> None:
    stream, written = made(BROWSER_FILES[0])
    ending = stream.finish(TAGS)

    file = bytearray(written[: ending.end])
    for patch in ending.patches_alone:
        file[patch.offset : patch.offset + len(patch.data)] = patch.data

    assert tag(bytes(file)) is None


@pytest.mark.slow
def test_other_programs_read_it_and_every_packet(tmp_path: Path) -> None:
    stream, written = made("chromium-vp8-opus.webm")
    path = tmp_path / "take.webm"
    path.write_bytes(apply(written, stream.finish(TAGS)))

    asked = ["ffprobe", "-v", "error", "-show_format", "-of", "json", str(path)]
    said = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert said.stderr == "" and json.loads(said.stdout)["format"]["tags"][NAME] == TEXT


@given(st.binary(max_size=200), st.integers(0, 4000), st.integers(0, 255))
def test_any_bytes_are_no_tag_or_one_and_nothing_is_raised(rubbish: bytes, at: int, value: int) -> None:
    assert tag(rubbish) is None
    stream, written = made(BROWSER_FILES[0])
    done = bytearray(apply(written, stream.finish(TAGS)))
    done[-1 - at % len(done)] ^= value
    done[at % 200] ^= value
    found = tag(bytes(done))
    assert found is None or isinstance(found, str)
