"""Damaged recordings: a track as long as planned or a sentence, never a hang, and the others go on."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from rolltape.__main__ import main
from unit.media_files import BROWSER_FILES, recording
from unit.synthetic_session import RATE, report, samples, wav, write_session

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("ROLLTAPE_FUZZ", "60"))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Bits turned, a stretch overwritten, cut out or doubled, an end torn off."""
    file = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(file)) if chance.random() < 0.7 else chance.randrange(min(600, len(file)))
        length = chance.choice((1, 2, 8, 100, 5000))
        match chance.randrange(5):
            case 0:
                file[at] ^= 1 << chance.randrange(8)
            case 1:
                file[at : at + length] = chance.randbytes(len(file[at : at + length]))
            case 2:
                del file[at : at + length]
            case 3:
                file[at:at] = file[at : at + length]
            case _:
                del file[max(at, 1) :]
    return bytes(file)


@pytest.mark.parametrize("name", BROWSER_FILES)
def test_damage_is_a_track_or_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    write_session(tmp_path, report("Ada", 3), report("Grace", 3, clock=False))
    wav(tmp_path / "Grace_studio_take1.webm", bytes(2 * 3 * RATE))
    for seed in range(max(1, ROUNDS // len(BROWSER_FILES))):
        data = damaged(recording(name), random.Random(f"{name} {seed}"))
        (tmp_path / "Ada_studio_take1.webm").write_bytes(data)

        status = main(["tracks", str(tmp_path), "--force"])

        said = capsys.readouterr()
        made = [Path(line) for line in said.out.splitlines() if line.endswith(".wav")]
        assert made and made[-1].name == "Grace.wav", (name, seed, said.err)
        assert (status == 0) or said.err, (name, seed)
        assert len({path.stat().st_size for path in made}) == 1 or len(made) == 2, (name, seed)
        assert all(path.stat().st_size < 100_000_000 for path in made), (name, seed)
        assert len(samples(made[-1])) % RATE == 0
        (tmp_path / "tracks" / "Ada.wav").unlink(missing_ok=True)
