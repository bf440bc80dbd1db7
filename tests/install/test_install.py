"""What a newcomer does first: `make run` where there is no Node, a wheel in an empty environment, a record button."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from install.conftest import ROOT, Record, checkout, environment, python, serving
from serving import served


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(*command: str | Path, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources, with the runtime as it was built here, since building it takes minutes."""
    folder = checkout(tmp_path_factory.mktemp("newcomer") / "rolltape")
    shutil.copytree(ROOT / "static" / "vendor", folder / "static" / "vendor")
    (folder / "static" / "vendor" / ".built").unlink(missing_ok=True)
    return folder


def test_make_run_needs_no_node(newcomer: Path, without_node: str, record: Record, tmp_path: Path) -> None:
    command, log = ["make", "run", f"PYTHON={python()}", f"PORT={free_port()}"], tmp_path / "log.txt"

    with serving(command, newcomer, environment(without_node), log) as address:
        said = record(address)

    assert "no Node" in log.read_text()
    assert any(line.startswith("Pyodide ") and "memory-snapshot" in line for line in said)


def test_a_wheel_serves_from_an_empty_environment(
    newcomer: Path, without_node: str, record: Record, tmp_path: Path
) -> None:
    env = environment(without_node)
    run(sys.executable, ROOT / "tools" / "release.py", "wheel", cwd=ROOT, env=env)
    (wheel,) = (ROOT / "dist").glob("*.whl")
    run(newcomer / ".venv/bin/python", "tools/release.py", "wheel", cwd=newcomer, env=env)
    (other,) = (newcomer / "dist").glob("*.whl")
    assert (other.name, other.read_bytes()) == (wheel.name, wheel.read_bytes()), "Built twice, not the same."

    venv, elsewhere = tmp_path / "venv", tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(python(), "-m", "venv", venv, cwd=elsewhere, env=env)
    run(venv / "bin" / "pip", "install", "--quiet", wheel, cwd=elsewhere, env=env)
    rolltape = str(venv / "bin" / "rolltape")
    assert "rolltape serve" in run(rolltape, "--help", cwd=elsewhere, env=env)

    secret = ["--secret-file", str(tmp_path / "secret"), "--takes", str(tmp_path / "takes")]
    command = [rolltape, "serve", "--port", str(free_port()), *secret]
    with serving(command, elsewhere, env, tmp_path / "log.txt") as address:
        record(address)


def test_stock_pyodide_records_too(record: Record, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "runtime",
        "--strict",
        "--without",
        "all",
        "--to",
        str(tmp_path / "stock"),
    ]
    env = environment("/usr/bin") | {"PYTHONPATH": "tools"}
    run(*command, cwd=ROOT, env=env)

    with served(tmp_path / "stock" / "www") as address:
        said = record(address)

    assert any("byte code only" in line for line in said)
