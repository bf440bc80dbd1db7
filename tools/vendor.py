"""Builds the page's runtime in `static/vendor/`: PyScript, Pyodide, micropip and our own wheel.

`python tools/vendor.py` does what is missing or stale and nothing else. Everything comes from the npm
packages in `node_modules/` and from PyPI, each file checked against the hash recorded in
`tools/vendor.json` (`--record` writes them anew after a version was raised). Out come

- `pyscript-VERSION/` and `pyodide-VERSION/`: the files a browser needs, and no others; the standard
  library and micropip byte-compiled, which starts the page three times faster;
- a folder for each of `MODULES`, which are loaded only when something asks for them;
- our wheel beside them, its content's hash in its name, and a `pyodide-lock.json` that names just micropip
  and us, so that micropip installs us by name and the browser checks the hash;
- a brotli copy (`.br`) of each, and `manifest.json` with the SHA-256 of every file.

All names but the lock's carry a version or a hash, so that a server may let browsers keep them for ever.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import brotli

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
RECORDED = ROOT / "tools" / "vendor.json"
MICROPIP = "0.11.1"
REVISION = 1  # raise it when the same versions are built in another way: names promise their content

# What of @pyscript/core runs a page on the main thread with a JSON config: no terminal, no editor.
PYSCRIPT_PARTS = (
    "core.css",
    "core.js",
    "core-*.js",
    "deprecations-manager-*.js",
    "donkey-*.js",
    "error-*.js",
    "index-*.js",
    "mpy-*.js",
    "py-[!etg]*.js",
    "py-editor-*.js",
    "py-game-*.js",
    "py-terminal-*.js",
    "pyodide_graph-*.js",
    "storage.js",
    "toml-*.js",
)
MODULES = {
    "mediabunny": ("mediabunny", "dist/bundles/mediabunny.min.mjs"),
    "socketio": ("socket.io-client", "dist/socket.io.esm.min.js"),
}
"""Modules of one file, each: its folder, the npm package, the file in it. One writes MP4, one talks to rooms."""

PYODIDE_PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")


class VendorError(Exception):
    """An input is missing or is not what was recorded."""


def sha256(path: Path) -> str:
    """The SHA-256 of the file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def npm_version(package: str) -> str:
    """The version of an npm package in `node_modules/`."""
    version: str = json.loads((ROOT / "node_modules" / package / "package.json").read_text())["version"]
    return version


def runtime_inputs() -> list[Path]:
    """Every file that is taken from the npm packages, in a fixed order."""
    core = ROOT / "node_modules" / "@pyscript" / "core" / "dist"
    pyodide = ROOT / "node_modules" / "pyodide"
    parts = [path for pattern in PYSCRIPT_PARTS for path in sorted(core.glob(pattern))]
    return [*parts, *(pyodide / name for name in (*PYODIDE_PARTS, "python_stdlib.zip"))]


def download_micropip(folder: Path) -> Path:
    """Fetch micropip's wheel into `folder`."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--python-version", "3.14", "--dest", str(folder), f"micropip=={MICROPIP}"),
        ],
        check=True,
    )
    return next(folder.glob("micropip-*.whl"))


def check(inputs: list[Path], record: bool) -> None:
    """Compare each input with its recorded hash, or record it. Raises VendorError."""
    found = {path.name: sha256(path) for path in inputs}
    if record:
        RECORDED.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n")
    recorded = json.loads(RECORDED.read_text())
    wrong = sorted(name for name, digest in found.items() if recorded.get(name) != digest)
    if wrong:
        raise VendorError(f"These files are not the ones recorded in {RECORDED.name}: {', '.join(wrong)}.")


def in_pyodide(*arguments: str) -> None:
    """Run one of our Python files with the Python that the page will run, from the repository's folder."""
    subprocess.run(["node", "tools/pyodide_node.mjs", *arguments], cwd=ROOT, check=True)


def compress(path: Path) -> None:
    """Write the brotli copy beside the file; quality 9, since 11 takes twenty times longer for a tenth."""
    path.with_name(path.name + ".br").write_bytes(brotli.compress(path.read_bytes(), quality=9))


def module_file(name: str) -> Path:
    """Where npm has the file of one of `MODULES`."""
    package, file = MODULES[name]
    return ROOT / "node_modules" / package / file


def module_folder(name: str) -> Path:
    """Where one of `MODULES` goes."""
    return VENDOR / f"{name}-{npm_version(MODULES[name][0])}-{REVISION}"


def build_runtime(pyscript: Path, pyodide: Path, work: Path, record: bool) -> None:
    """Fill the versioned folders with the files of PyScript, Pyodide and micropip, and of each module."""
    micropip = download_micropip(work)
    inputs = runtime_inputs()
    check([*inputs, micropip, *map(module_file, MODULES)], record)
    modules = [module_folder(name) for name in MODULES]
    for folder in (pyscript, pyodide, *modules):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for path in inputs:
        if path.name != "python_stdlib.zip":
            shutil.copyfile(path, (pyodide if path.parent.name == "pyodide" else pyscript) / path.name)
    for name, folder in zip(MODULES, modules, strict=True):
        shutil.copyfile(module_file(name), folder / module_file(name).name)
    bytecompile = []
    for source in (inputs[-1], micropip):
        bytecompile += [str(source.relative_to(ROOT)), str((work / ("new-" + source.name)).relative_to(ROOT))]
        bytecompile += ["replace"]
    in_pyodide("tools/bytecompile.py", *bytecompile)
    for source in (inputs[-1], micropip):
        shutil.move(work / ("new-" + source.name), pyodide / source.name)
    for path in [path for folder in (pyscript, pyodide, *modules) for path in folder.iterdir()]:
        compress(path)


def build_wheel(pyodide: Path, work: Path) -> None:
    """Put our own wheel, with byte code beside the source, into the runtime's folder."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(work)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    plain = next(work.glob("rolltape-*.whl"))
    compiled = work / "compiled.whl"
    in_pyodide(
        "tools/bytecompile.py", str(plain.relative_to(ROOT)), str(compiled.relative_to(ROOT)), "beside"
    )
    for stale in pyodide.glob("rolltape-*"):
        stale.unlink()
    name, version, *tags = plain.name.split("-")
    target = pyodide / "-".join([name, version, "0" + sha256(compiled)[:10], *tags])
    shutil.move(compiled, target)
    compress(target)


def write_lock(pyodide: Path) -> None:
    """Write the lock file from which micropip installs, with the hash of each wheel."""
    info = json.loads((ROOT / "node_modules" / "pyodide" / "pyodide-lock.json").read_text())["info"]
    packages = {}
    for wheel in sorted(pyodide.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        packages[name] = {
            "name": name,
            "version": version,
            "file_name": wheel.name,
            "install_dir": "site",
            "sha256": sha256(wheel),
            "package_type": "package",
            "imports": [name],
            "depends": [],
            "unvendored_tests": False,
        }
    lock = pyodide / "pyodide-lock.json"
    lock.write_text(json.dumps({"info": info, "packages": packages}))
    compress(lock)


def write_manifest() -> None:
    """Record the hash of every built file."""
    files = sorted(p for p in VENDOR.rglob("*") if p.is_file() and p.suffix != ".br" and p.parent != VENDOR)
    manifest = {str(path.relative_to(VENDOR)): sha256(path) for path in files}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def current_recipe() -> str:
    """What the runtime is built by: this script, the byte-compiler, the recorded inputs."""
    return " ".join(sha256(path) for path in (Path(__file__), ROOT / "tools" / "bytecompile.py", RECORDED))


def stale_folders(keep: tuple[Path, ...]) -> list[Path]:
    """Folders of versions that are no longer wanted."""
    return [path for path in VENDOR.iterdir() if path.is_dir() and path not in keep]


def main(record: bool = False) -> None:
    """Build what is missing; the runtime is built once a version, our wheel at every call."""
    pyscript = VENDOR / f"pyscript-{npm_version('@pyscript/core')}-{REVISION}"
    pyodide = VENDOR / f"pyodide-{npm_version('pyodide')}-{REVISION}"
    VENDOR.mkdir(parents=True, exist_ok=True)
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        work = Path(folder)
        recipe = VENDOR / "recipe.txt"
        if record or not recipe.exists() or recipe.read_text() != current_recipe() or not pyodide.exists():
            build_runtime(pyscript, pyodide, work, record)
        build_wheel(pyodide, work)
        recipe.write_text(current_recipe())
    write_lock(pyodide)
    write_manifest()
    for folder_ in stale_folders((pyscript, pyodide, *map(module_folder, MODULES))):
        shutil.rmtree(folder_)


if __name__ == "__main__":
    try:
        main(record="--record" in sys.argv[1:])
    except (VendorError, subprocess.CalledProcessError) as error:
        sys.exit(f"The runtime was not built. {error}")
