"""A film that is being written: whatever ends that leaves no process, and nothing half done under a name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import are_gone, children
from rolltape.core.desk import remove_left_behind, whole_file
from unit.synthetic_session import filmed, report, write_session
from waiting import wait_for

LONG_S = 300


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that takes some seconds to become an MP4."""
    path = tmp_path_factory.mktemp("recording") / "film.webm"
    filmed(path, LONG_S)
    return path


@pytest.fixture
def running(tmp_path: Path, film: Path) -> Iterator[subprocess.Popen[str]]:
    """`rolltape tracks` of such a guest, while it writes the film."""
    write_session(tmp_path, report("Ada", LONG_S, clock=False))
    (tmp_path / "Ada_studio_take1.webm").symlink_to(film)
    command = [sys.executable, "-m", "rolltape", "tracks", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        wait_for(lambda: written(tmp_path) > 30_000 or process.poll() is not None, "it is written", 60)
        assert process.poll() is None, "it was over before it could be ended"
        yield process
        process.kill()


def written(folder: Path) -> int:
    """How much of the film is there."""
    return sum(path.stat().st_size for path in (folder / "tracks").glob(".Ada.mp4.*.partial"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "tracks").iterdir())


@pytest.mark.slow
def test_cancelled_while_pictures_are_made_it_is_over_within_a_second(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    pids = children(running.pid)
    assert len(pids) == 1
    told_s = time.monotonic()
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 1
    assert time.monotonic() - told_s < 1.5, "with how long a machine under load takes to see it"
    assert running.stderr is not None and running.stderr.read() == "Cancelled.\n"
    assert are_gone(pids) and names(tmp_path) == ["Ada.wav", "report.json"]


@pytest.mark.slow
def test_killed_it_leaves_no_process_and_what_it_left_half_done_goes_at_the_next_run(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    pids = children(running.pid)
    running.kill()
    wait_for(lambda: are_gone(pids), "it ends by itself", 10)
    (left,) = [name for name in names(tmp_path) if "mp4" in name]
    assert left.startswith(".Ada.mp4.")

    command = [sys.executable, "-m", "rolltape", "tracks", str(tmp_path), "--picture", "none", "--force"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert not [name for name in names(tmp_path) if "mp4" in name]


@pytest.mark.slow
def test_a_film_whose_process_crashes_is_told_and_the_rest_is_made(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    os.kill(children(running.pid)[0], signal.SIGSEGV)
    _, err = running.communicate(timeout=50)
    place = tmp_path / "tracks" / "Ada.mp4"
    assert running.returncode == 1
    assert err.strip() == f"{place} is not made: what makes it was ended by SIGSEGV."
    assert "tracks.otio" in names(tmp_path) and "Ada.mp4" not in names(tmp_path)


@pytest.mark.slow
def test_a_disk_that_fills_up_with_pictures_is_told_and_leaves_nothing_of_them(
    tmp_path: Path, film: Path
) -> None:
    """The limit of a file's size, which a disk's end looks like to who writes."""
    write_session(tmp_path, report("Ada", LONG_S, clock=False))
    (tmp_path / "Ada_studio_take1.webm").symlink_to(film)
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from rolltape.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    options = ("--sound", "flac", "--project", "none")
    command = [sys.executable, "-c", limited, "tracks", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stderr.strip().endswith("File too large."), done.stderr
    assert not [name for name in names(tmp_path) if "mp4" in name]


def test_what_a_running_process_writes_is_not_taken_for_left_behind(tmp_path: Path) -> None:
    (tmp_path / ".Ada.wav.1.partial").write_bytes(b"of a process that is no more")
    (tmp_path / ".mine.partial").write_bytes(b"of somebody else")
    with whole_file(tmp_path / "Ada.wav", force=False) as path:
        path.write_bytes(b"whole")
        remove_left_behind(tmp_path)
        assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, ".mine.partial"])

    assert (tmp_path / "Ada.wav").read_bytes() == b"whole"
