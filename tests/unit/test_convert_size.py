"""Size does not matter: 5 GiB in, flat memory, and a WAV file beyond 4 GiB that says so rightly."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from unit.convert_sparse import BLOCK_BYTES

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
FLAT_KB = 100_000


def converted_sparse(folder: Path, gib: float, target: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "unit.convert_sparse", str(folder), str(gib), target],
        env=os.environ | {"PYTHONPATH": f"{TESTS}:{TESTS.parent / 'py'}"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_five_gibibytes_of_sound_become_rf64_in_flat_memory(tmp_path: Path) -> None:
    told = converted_sparse(tmp_path, 5, "wav")

    head, data_bytes = bytes.fromhex(told["head"]), told["blocks"] * BLOCK_BYTES
    assert data_bytes > 5 * (1 << 30) - BLOCK_BYTES
    assert head[:8] == b"RF64\xff\xff\xff\xff" and head[8:16] == b"WAVEds64"
    assert struct.unpack_from("<QQQ", head, 20) == (told["size"] - 8, data_bytes, data_bytes // 8)
    assert told["size"] == data_bytes + 94 and head[86:94] == b"data\xff\xff\xff\xff"
    assert told["marks"] == told["blocks"]
    assert told["grown_kb"] < FLAT_KB


@pytest.mark.parametrize("gib", [0.1, 1])
def test_a_seekable_copy_takes_no_more_memory_for_more(gib: float, tmp_path: Path) -> None:
    told = converted_sparse(tmp_path, gib, "webm")

    assert told["size"] == pytest.approx(told["input"], rel=0.01)
    assert told["grown_kb"] < FLAT_KB
