"""The converter's page: files in, results in the Downloads folder, with the packets of the originals."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from guest import Guest, Guests
from media_tools import run
from waiting import wait_for

DATA = Path(__file__).parents[1] / "data"


def convert(guest: Guest, target: str, *files: Path) -> None:
    guest.id("convert-input").set_input_files(list(files))
    guest.id("convert-target").select_option(target)
    guest.id("convert-start").click()


def results(guest: Guest, count: int) -> list[Path]:
    """The files in the Downloads folder, once there are so many, finished."""

    def there() -> list[Path] | None:
        paths = sorted(guest.downloads.iterdir())
        done = len(paths) == count and all(path.suffix != ".crdownload" for path in paths)
        return paths if done else None

    def missing() -> str:
        return f"{count} finished files are in the Downloads folder: {list(guest.downloads.iterdir())}"

    return wait_for(there, missing, 60)


def hashes(path: Path, *options: str) -> list[str]:
    """The hash of each stream's packets; of the pictures of H.264, which MP4 frames in another way."""
    # ffmpeg leaves the last packet out where an edit list (a first sample at 3 ms) seems to end before it.
    told = run(
        *("ffmpeg", "-v", "error", *(("-ignore_editlist", "1") if path.suffix == ".mp4" else ()), "-i", path),
        *(*options, "-c", "copy", *(("-c:v", "rawvideo") if "h264" in path.name else ())),
        *("-f", "streamhash", "-"),
    )
    return [line.split("=", 1)[1] for line in told.split()]


@pytest.fixture(scope="module")
def guest(module_guests: Guests) -> Guest:
    return module_guests(files=False).open("?convert", ready="convert")


@pytest.fixture(autouse=True)
def empty_folder(guest: Guest) -> None:
    for path in guest.downloads.iterdir():
        path.unlink()


@pytest.mark.parametrize(
    ("target", "name", "ending", "taken"),
    [
        ("opus", "chromium-vp8-opus.webm", ".opus", ("-map", "0:a")),
        ("wav", "chromium-vp9-pcm.webm", ".wav", ("-map", "0:a")),
        ("webm", "chromium-av1-opus.webm", ".webm", ("-map", "0")),
        ("webm", "chromium-h264-opus.mkv", ".mkv", ("-map", "0")),
        ("mp4", "chromium-h264-opus.mkv", ".mp4", ("-map", "0")),
        ("mp4", "chromium-vp9-opus.webm", ".mp4", ("-map", "0")),
    ],
)
def test_a_recording_is_converted(
    guest: Guest, target: str, name: str, ending: str, taken: tuple[str, ...]
) -> None:
    convert(guest, target, DATA / name)
    expect(guest.id("job")).to_have_attribute("data-state", "finished")

    (result,) = results(guest, 1)

    assert result.name == Path(name).stem + ending
    assert sorted(hashes(result, "-map", "0")) == sorted(hashes(DATA / name, *taken))
    assert float(guest.id("convert-progress").get_attribute("value") or 0) == 1


def test_many_files_are_a_queue_and_a_bad_one_does_not_stop_it(guest: Guest, tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.webm", tmp_path / "text.webm"
    empty.write_bytes(b"")
    text.write_text("no recording")

    convert(guest, "opus", empty, DATA / "chromium-opus.webm", text, DATA / "firefox-opus.webm")

    assert [path.name for path in results(guest, 2)] == ["chromium-opus.opus", "firefox-opus.opus"]
    states = ["failed", "finished", "failed", "finished"]
    for at, state in enumerate(states):
        expect(guest.id("job").nth(at)).to_have_attribute("data-state", state)
    said = guest.notices()
    assert any("empty.webm is empty: there is not a single byte in it." in text for text in said)
    assert any("text.webm is neither a WebM nor a Matroska recording." in text for text in said)


def test_a_finished_downloads_frame_stays_until_the_browser_has_surely_begun_it(guest: Guest) -> None:
    """The browser takes all of a short file before it begins the download: without its frame, it never does."""
    convert(guest, "opus", DATA / "chromium-opus.webm")
    expect(guest.id("job")).to_have_attribute("data-state", "finished")

    expect(guest.page.locator("iframe[src^='download/'][src$='/chromium-opus.opus']").last).to_be_attached()
    results(guest, 1)


def test_parts_of_one_take_are_joined(guest: Guest, tmp_path: Path) -> None:
    source = (DATA / "chromium-vp8-opus.webm").read_bytes()
    parts = [tmp_path / f"Ada_take1_part{number}.webm" for number in (2, 1)]
    for part in parts:
        part.write_bytes(source)

    convert(guest, "opus", *parts)
    expect(guest.id("job")).to_have_attribute("data-state", "finished")

    (result,) = results(guest, 1)
    assert result.name == "Ada_take1.opus"


def test_a_torn_recording_gives_what_is_in_it_and_says_so(guest: Guest, tmp_path: Path) -> None:
    torn = tmp_path / "torn.webm"
    torn.write_bytes((DATA / "chromium-vp8-opus.webm").read_bytes()[:20_000])

    convert(guest, "webm", torn)

    results(guest, 1)
    expect(guest.page.get_by_text("torn.webm breaks off at 0:01")).to_be_visible()


@pytest.mark.parametrize(
    ("link", "target", "other"), [("?record=-64", "opus", "wav"), ("?record=0", "wav", "opus")]
)
def test_the_shelf_gives_the_sound_of_a_take(guests: Guests, link: str, target: str, other: str) -> None:
    guest = guests(files=False).open(link)
    guest.record()
    guest.wait_until("0:02")
    guest.stop()
    recorded = guest.downloaded()

    take = guest.id("take")
    expect(take.get_by_test_id(f"export-{other}")).to_be_hidden()
    take.get_by_test_id(f"export-{target}").click()

    (result,) = [path for path in results(guest, 2) if path != recorded]
    assert result.name == f"{recorded.stem}.{target}"
    decoded = ("-f", "md5", "-map", "0:a")
    told = [run("ffmpeg", "-v", "error", "-i", path, *decoded, "-") for path in (recorded, result)]
    assert told[0] == told[1]
