"""Sounds of a long session, two at once: whatever ends them leaves no process, and nothing half done under a name."""

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
from unit.synthetic_session import report, silent_opus, write_session
from waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="with one core they are made in turn"),
]

LONG_S = 1200


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording that takes a second or two to be made a track."""
    path = tmp_path_factory.mktemp("recording") / "silence.webm"
    silent_opus(path, LONG_S)
    return path


@pytest.fixture
def running(tmp_path: Path, silence: Path) -> Iterator[subprocess.Popen[str]]:
    """`rolltape tracks` of two such guests, while it writes both sounds."""
    write_session(tmp_path, report("Ada", LONG_S), report("Grace", LONG_S))
    for name in ("Ada", "Grace"):
        (tmp_path / f"{name}_studio_take1.webm").symlink_to(silence)
    command = [sys.executable, "-m", "rolltape", "tracks", str(tmp_path), "--picture", "none"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        wait_for(lambda: len(written(tmp_path)) == 2 or process.poll() is not None, "both are written", 30)
        assert process.poll() is None, "it was over before it could be ended"
        yield process
        process.kill()


def written(folder: Path) -> list[Path]:
    """What is being written under another name."""
    return [path for path in (folder / "tracks").glob(".*.partial") if path.stat().st_size > 100_000]


def test_cancelled_while_two_are_written_it_is_over_within_a_second(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    pids = children(running.pid)
    assert len(pids) == 2
    told_s = time.monotonic()
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 1
    assert time.monotonic() - told_s < 1.5, "with how long a machine under load takes to see it"
    assert running.stderr is not None and running.stderr.read() == "Cancelled.\n"
    assert are_gone(pids) and not list((tmp_path / "tracks").iterdir())


def test_killed_it_takes_its_processes_along_and_nothing_has_a_final_name(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    pids = children(running.pid)
    assert len(pids) == 2
    running.kill()
    wait_for(lambda: are_gone(pids), "they end by themselves", 10)
    assert [path.name for path in (tmp_path / "tracks").iterdir() if not path.name.startswith(".")] == []


def test_a_sound_whose_process_crashes_is_told_and_the_other_is_made(
    tmp_path: Path, running: subprocess.Popen[str]
) -> None:
    os.kill(children(running.pid)[0], signal.SIGSEGV)
    out, err = running.communicate(timeout=50)
    made = [Path(line).name for line in out.splitlines() if line.endswith(".wav")]
    (lost,) = {"Ada.wav", "Grace.wav"} - set(made)
    assert running.returncode == 1 and len(made) == 1
    assert err.strip() == f"{tmp_path / 'tracks' / lost} is not made: what makes it was ended by SIGSEGV."
    found = sorted(path.name for path in (tmp_path / "tracks").iterdir())
    assert [name for name in found if "wav" in name] == made
