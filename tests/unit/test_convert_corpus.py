"""Every layout and codec, judged by ffmpeg, opusinfo and mkvinfo: no packet, no sample is another."""

from __future__ import annotations

from pathlib import Path

import pytest

from unit.convert_corpus import NAMES, WITH_OPUS, WITH_PCM, make_corpus
from unit.convert_tools import converted, decoded, said, stream_hashes
from unit.media_files import complaints, duration, packets

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def sound(path: Path, codec: str) -> tuple[str, str]:
    """ffmpeg's option for the first sound track of this codec."""
    found = said(
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "a",
        "-show_entries",
        "stream=codec_name",
        "-of",
        "csv=p=0",
        path,
    )
    names = found.split()
    return "-map", f"0:a:{next(n for n, name in enumerate(names) if name.startswith(codec))}"


def test_the_corpus_is_as_large_as_it_has_to_be() -> None:
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_a_seekable_copy_has_every_packet(name: str, corpus: Path, tmp_path: Path) -> None:
    source, copy = corpus / name, tmp_path / "copy.mkv"

    result = converted(source, "webm")
    copy.write_bytes(result.data)

    assert result.losses == []
    assert stream_hashes(copy) == stream_hashes(source)
    assert [p.time for p in packets(copy)] == [p.time for p in packets(source)]
    assert duration(copy) is not None
    info = said("mkvinfo", "-a", copy)
    assert "|+ Cues" in info and "|+ Seek head" in info
    assert "rror" not in info and "arning" not in info


@pytest.mark.parametrize("name", WITH_OPUS)
def test_opus_is_the_same_to_the_sample(name: str, corpus: Path, tmp_path: Path) -> None:
    if name == "laced-fixed.mkv":
        pytest.skip("it holds PCM")
    source, opus = corpus / name, tmp_path / "sound.opus"
    track = sound(source, "opus")

    opus.write_bytes(converted(source, "opus").data)

    assert stream_hashes(opus) == stream_hashes(source, *track)
    assert decoded(opus, "-f", "s16le") == decoded(source, *track, "-f", "s16le")
    info = said("opusinfo", opus)
    if name.startswith("chromium"):  # Chromium's own header says that there is nothing to skip: it is kept.
        info = info.replace("WARNING: Implausibly low preskip in Opus stream (1)", "")
    assert "WARNING" not in info and "Playback length" in info
    assert complaints(opus) == ""


@pytest.mark.parametrize("name", WITH_PCM)
def test_pcm_is_the_same_to_the_bit(name: str, corpus: Path, tmp_path: Path) -> None:
    source, wave = corpus / name, tmp_path / "sound.wav"
    track = sound(source, "pcm")

    wave.write_bytes(converted(source, "wav").data)

    assert decoded(wave, "-f", "f64le") == decoded(source, *track, "-f", "f64le")
    assert complaints(wave) == ""
