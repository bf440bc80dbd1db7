"""`rolltape convert`: results beside their files, nothing overwritten, a sentence and 1 when it fails."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from rolltape.__main__ import main
from unit.convert_tools import said
from unit.media_files import DATA

OPUS, PCM, H264 = "chromium-vp8-opus.webm", "chromium-pcm.webm", "chromium-h264-opus.mkv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (OPUS, PCM, H264):
        shutil.copyfile(DATA / name, tmp_path / name)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name not in (OPUS, PCM, H264))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit status, standard output and standard error."""
    status = main(["convert", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize(
    ("name", "target", "result"),
    [
        (OPUS, "opus", "chromium-vp8-opus.opus"),
        (PCM, "wav", "chromium-pcm.wav"),
        (OPUS, "webm", "chromium-vp8-opus-seekable.webm"),
        (H264, "webm", "chromium-h264-opus-seekable.mkv"),
    ],
)
def test_the_result_is_beside_the_file(
    name: str, target: str, result: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = run(capsys, folder / name, "--to", target)

    assert (status, out) == (0, f"{folder / result}\n")
    assert names(folder) == [result]
    assert "duration=" in said("ffprobe", "-v", "error", "-show_entries", "format=duration", folder / result)


def test_a_matroska_file_of_webm_codecs_becomes_webm(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = (folder / OPUS).rename(folder / "take.mkv")

    assert run(capsys, source, "--to", "webm")[0] == 0
    assert (folder / "take.webm").read_bytes()[:60].find(b"webm") > 0


def test_nothing_is_overwritten_unless_told_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = folder / "chromium-vp8-opus.opus"
    there.write_text("mine")

    refused = run(capsys, folder / OPUS, "--to", "opus")
    kept = there.read_text()
    forced = run(capsys, folder / OPUS, "--to", "opus", "--force")

    assert refused == (1, "", f"{there} exists already; --force writes over it.\n") and kept == "mine"
    assert forced[0] == 0 and there.read_bytes()[:4] == b"OggS"


def test_the_recording_itself_is_never_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = folder / OPUS

    status, _, told = run(capsys, source, "--to", "webm", "--force", "-o", source)

    assert status == 1 and told.endswith("is the recording itself; it is not written over.\n")
    assert source.read_bytes() == (DATA / OPUS).read_bytes()


def test_many_files_one_bad(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = folder / "empty.webm"
    empty.touch()

    status, out, told = run(capsys, empty, folder / "nowhere.webm", folder, folder / OPUS, "--to", "opus")

    assert status == 1 and out == f"{folder / 'chromium-vp8-opus.opus'}\n"
    assert told.splitlines() == [
        "empty.webm is empty: there is not a single byte in it.",
        f"{folder / 'nowhere.webm'}: No such file or directory.",
        f"{folder} is a folder, not a recording.",
    ]


def test_parts_are_joined_in_their_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2, 10):
        shutil.copyfile(DATA / OPUS, folder / f"Zoë_take1_part{number}.webm")
    parts = sorted(folder.glob("Zoë*"))

    status, out, _ = run(capsys, *parts, "--to", "opus")

    assert (status, out) == (0, f"{folder / 'Zoë_take1.opus'}\n")


def test_files_given_one_name_are_joined(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    joined = folder / "both.webm"

    assert run(capsys, folder / OPUS, folder / OPUS, "--to", "webm", "-o", joined)[0] == 0
    assert joined.stat().st_size > 1.9 * (folder / OPUS).stat().st_size


def test_a_torn_file_gives_its_content_and_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = folder / "torn.webm"
    torn.write_bytes((DATA / OPUS).read_bytes()[:20_000])

    status, _, told = run(capsys, torn, "--to", "opus")

    assert status == 0 and told.startswith("torn.webm breaks off at 0:01 in the midst of a frame")
    assert names(folder) == ["torn.opus", "torn.webm"]


def test_a_failure_leaves_nothing_behind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = (DATA / OPUS).read_bytes()
    bare = folder / "bare.webm"
    bare.write_bytes(header[: header.index(b"\x1f\x43\xb6\x75")])

    status, out, told = run(capsys, bare, "--to", "opus")

    assert (status, out, told) == (1, "", "bare.webm has a sound track, but no sound in it.\n")
    assert names(folder) == ["bare.webm"]


def test_a_folder_that_cannot_be_written_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, told = run(capsys, folder / OPUS, "--to", "opus", "-o", folder / "missing" / "x.opus")

    assert status == 1 and told.endswith(": No such file or directory.\n") and told.count("\n") == 1


def test_the_result_has_the_usual_permissions(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, folder / OPUS, "--to", "opus")

    mode = (folder / "chromium-vp8-opus.opus").stat().st_mode
    assert stat.S_IMODE(mode) & 0o600 == 0o600
