"""Builds the page's runtime in `static/vendor/`: PyScript, Pyodide, micropip, segno and our own wheel.

`python tools/vendor.py` does what is missing or stale and nothing else. Everything comes from the npm
packages in `node_modules/` and from PyPI, each file checked against the hash recorded in
`tools/vendor.json` (`--record` writes them anew after a version was raised). Out come

- `pyscript-VERSION/` and `pyodide-VERSION/`: the files a browser needs, and no others; the standard library
  and the wheels from PyPI byte-compiled, which starts the page three times faster, and all of it without what
  no page can use;
- the memory of that Pyodide once it has started, so that no page has to start it anew;
- a folder for each of `MODULES`, which are loaded only when something asks for them;
- our wheel, byte-compiled, without what runs on a desk only, its content's hash in its name, and a
  `pyodide-lock.json` that names just these wheels, so that micropip installs us by name and the browser
  checks the hash;
- a brotli copy (`.br`) of each, and `manifest.json` with the SHA-256 of every file.

All names but the lock's carry a version or a hash, so that a server may let browsers keep them for ever.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

import brotli

import snapshot
from slim_data import without_data
from slim_pyodide import SlimError, slim

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
RECORDED = ROOT / "tools" / "vendor.json"
WHEELS = {"micropip": "0.11.1", "segno": "1.6.6"}
"""Pure Python from PyPI; a page loads segno (QR codes) only when somebody asks for a code."""
# Raised when the same version is built in another way: names promise their content.
REVISIONS = {"pyodide": 7, "pyscript": 3}

# What of @pyscript/core runs a page on the main thread with a JSON config and without plugins.
PYSCRIPT_PARTS = ("core.js", "core-*.js", "error-*.js", "pyodide_graph-*.js")
MODULES = {
    "socketio": ("socket.io-client", "dist/socket.io.esm.min.js"),
}
"""Modules of one file, each: its folder, the npm package, the file in it. This one talks to rooms."""

# What this script is made of, beside itself.
PARTS = (
    *("bytecompile.py", "dataclass_code.py", "micropip_front.py"),
    *("slim_data.py", "slim_pyodide.py", "snapshot.mjs", "snapshot.py"),
)

PYODIDE_PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")

# What Emscripten used; with more, the file would be written as not every browser reads it.
WASM_FEATURES = ("--mvp-features",) + tuple(
    f"--enable-{name}"
    for name in (
        *("mutable-globals", "nontrapping-float-to-int", "sign-ext", "bulk-memory", "bulk-memory-opt"),
        *("reference-types", "multivalue", "exception-handling"),
    )
)
# What nothing uses once exports are gone, and zeros.
WASM_PASSES = ("--remove-unused-module-elements", "--zero-filled-memory", "--memory-packing")

# What of the standard library no page can use: other processes, terminals, debuggers and test runners, mail, the
# network but through the browser, XML, other systems' event loops, one-byte character sets, and what has a twin in C.
# Half of it, which nobody has to download. All that micropip and segno need is there.
STDLIB_LEFT_OUT = """
    multiprocessing/* concurrent/futures/process.py concurrent/futures/interpreter.py concurrent/interpreters/*
    _pyrepl/* cmd.py code.py pyodide/console.py rlcompleter.py pty.py tty.py getpass.py webbrowser.py
    asyncio/base_events.py asyncio/base_subprocess.py asyncio/selector_events.py asyncio/sslproto.py
    asyncio/staggered.py asyncio/streams.py asyncio/subprocess.py asyncio/trsock.py asyncio/unix_events.py
    selectors.py socket.py ssl.py subprocess.py
    argparse.py getopt.py optparse.py gettext.py shlex.py fileinput.py filecmp.py zipapp.py
    pdb.py bdb.py pydoc.py doctest.py unittest/* profile.py cProfile.py pstats.py trace.py tracemalloc.py timeit.py
    pickle.py pickletools.py _compat_pickle.py shelve.py difflib.py pprint.py runpy.py sched.py
    modulefinder.py symtable.py pyclbr.py tabnanny.py compileall.py py_compile.py pkgutil.py importlib/resources/*
    mailbox.py imaplib.py poplib.py smtplib.py ftplib.py http/server.py http/cookie*.py socketserver.py
    netrc.py mimetypes.py urllib/robotparser.py email/mime/* xml/dom/* xml/etree/* xml/parsers/* xmlrpc/*
    wsgiref/* plistlib.py configparser.py tomllib/* ctypes/* sqlite3/* wave.py colorsys.py tarfile.py
    logging/config.py logging/handlers.py asyncio/windows_*.py asyncio/proactor_events.py asyncio/tools.py
    asyncio/__main__.py sysconfig/__main__.py
    bz2.py lzma.py compression/zstd/* _pyio.py _pydatetime.py zoneinfo/* statistics.py fractions.py
    numbers.py graphlib.py this.py antigravity.py nturl2path.py pathlib/types.py
    encodings/cp[!4]*.py encodings/mac_*.py encodings/iso*.py encodings/koi8*.py encodings/kz1048.py
    encodings/ptcp154.py encodings/tis_620.py encodings/palmos.py encodings/hp_roman8.py encodings/johab.py
    encodings/hz.py encodings/big5*.py encodings/euc_*.py encodings/gb*.py encodings/shift_*.py
"""
# What our wheel and micropip's front import of the standard library beside what Pyodide does itself: it is in the
# memory from which a page starts, since the library comes only when the page is there.
STARTED_WITH = """
    array base64 datetime email encodings.cp437 importlib.metadata ipaddress tarfile unicodedata urllib.parse
"""
# Stand for what others import and no page can use: sockets, other processes, an event loop that waits for them (a
# page's is the browser's, `pyodide.webloop`), archives that no package of ours is.
STAND_INS = {
    "tarfile.py": "",
    "subprocess.py": "PIPE = -1\n",
    "socket.py": "AF_UNSPEC, AI_PASSIVE, _GLOBAL_DEFAULT_TIMEOUT = 0, 1, None\n",
    "asyncio/base_events.py": "__all__ = ()\n",
    "asyncio/streams.py": "__all__ = ()\n",
    "asyncio/subprocess.py": "__all__ = ()\n",
    "asyncio/unix_events.py": """__all__ = ()
from asyncio.events import _BaseDefaultEventLoopPolicy as _DefaultEventLoopPolicy
""",
}
DESK_ONLY = "rolltape/server/* rolltape/convert/cli.py rolltape/__main__.py"


EPOCH = (1980, 1, 1, 0, 0, 0)


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


def download_wheel(name: str, folder: Path) -> Path:
    """Fetch one of `WHEELS` into `folder`."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--python-version", "3.14", "--dest", str(folder), f"{name}=={WHEELS[name]}"),
        ],
        check=True,
    )
    return next(folder.glob(f"{name}-*.whl"))


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


def bytecompile(archives: list[tuple[Path, Path, int]]) -> None:
    """Byte-compile zip archives: source, target, optimisation level of `compile`."""
    given = [
        (source.relative_to(ROOT), target.relative_to(ROOT), level) for source, target, level in archives
    ]
    in_pyodide("tools/bytecompile.py", *(str(argument) for archive in given for argument in archive))


def versioned(package: str, name: str = "") -> Path:
    """The folder of an npm package in `static/vendor/`; its name promises its content."""
    name = name or package
    return VENDOR / f"{name}-{npm_version(package)}-{REVISIONS.get(name, 1)}"


def compress(paths: Iterable[Path]) -> None:
    """Write the brotli copies beside the files, as small as they get: built once, fetched by everybody."""

    def write(path: Path) -> None:
        path.with_name(path.name + ".br").write_bytes(brotli.compress(path.read_bytes(), quality=11))

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, paths))


def without(source: Path, target: Path, left_out: str, more: Mapping[str, str] | None = None) -> Path:
    """Copy a zip archive without the files that match these patterns; gives back `target`. Raises VendorError.

    `more` is what is put behind the text of some of the others.
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        names = old.namelist()
        patterns = left_out.split()
        idle = [p for p in patterns if not any(fnmatchcase(name, p) for name in names)]
        if idle:
            raise VendorError(f"There is nothing in {source.name} that these leave out: {', '.join(idle)}.")
        for name in names:
            if not any(fnmatchcase(name, pattern) for pattern in patterns):
                new.writestr(name, old.read(name) + (more or {}).get(name, "").encode())
    return target


def moved(source: Path, target: Path, names: Mapping[str, str], added: Mapping[str, str]) -> Path:
    """Copy those files of a zip archive that `names` gives a name, and add others; gives back `target`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name in names:
                new.writestr(names[name], old.read(name))
        for name, text in added.items():
            new.writestr(name, text)
    return target


def split_micropip(wheel: Path, work: Path) -> list[Path]:
    """Two wheels of micropip's: what installs from the lock file (`tools/micropip_front.py`), and the rest."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    about = {name: name for name in names if ".dist-info/" in name}
    rest = {name: name for name in names if name not in about}
    rest["micropip/__init__.py"] = "micropip/_rest.py"
    front = {"micropip/__init__.py": (ROOT / "tools" / "micropip_front.py").read_text()}
    version, tags = WHEELS["micropip"], "py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: micropip-rest\nVersion: {version}\n"
    (work / "split").mkdir()
    return [
        moved(wheel, work / "split" / wheel.name, about, front),
        moved(
            wheel,
            work / "split" / f"micropip_rest-{version}-{tags}",
            rest,
            {f"micropip_rest-{version}.dist-info/METADATA": metadata},
        ),
    ]


def without_library(core: Path) -> None:
    """Take PyScript's Python library out of its module: each start would write its files and compile them.

    Nothing here imports it: the page is written on `js` and `pyodide.ffi`. Raises VendorError.
    """
    text = core.read_text()
    begin, end = 'wo(".",{pyscript:', '}),ho.push("import pyscript as _pyscript"),'
    if text.count(begin) != 1 or text.count(end) != 1 or '"__init__.py":' not in text:
        raise VendorError(f"{core.name} does not hold PyScript's library where it was.")
    before, _, rest = text.partition(begin)
    core.write_text(before + "ho.push('_pyscript = None')," + rest.partition(end)[2])


PLUGIN = re.compile(r'"?[a-z-]+"?:\(\)=>import\("\./(deprecations-manager|donkey|py-[a-z]+)-\w+\.js"\),?')


def without_plugins(core: Path) -> None:
    """Take PyScript's plugins out of its module, all but the one that reports errors: terminals, editors, games.

    A setting leaves them out for `py`, but not for `mpy`, which every page has. Raises VendorError.
    """
    text, count = PLUGIN.subn("", core.read_text())
    if count != 5:
        raise VendorError(f"{core.name} does not hold PyScript's plugins as it did.")
    core.write_text(text)


def slimmed(pyodide: Path, stdlib: Path) -> None:
    """Take out of Pyodide's files what only extension modules would use, and tables that no page uses."""
    wasm, script = pyodide / "pyodide.asm.wasm", pyodide / "pyodide.asm.mjs"
    with zipfile.ZipFile(stdlib) as archive:
        python = [archive.read(name).decode() for name in archive.namelist() if "pyodide/" in name]
    others = "\n".join([(pyodide / "pyodide.mjs").read_text(), *python])
    less_wasm, less_script = slim(wasm.read_bytes(), script.read_text(), others)
    wasm.write_bytes(without_data(less_wasm))
    optimizer = ROOT / "node_modules" / ".bin" / "wasm-opt"
    subprocess.run([optimizer, wasm, *WASM_FEATURES, *WASM_PASSES, "-o", wasm], check=True)
    script.write_text(snapshot.restoring(less_script))


def write_snapshot(pyodide: Path, work: Path) -> None:
    """Start Pyodide as it lies there, and keep its memory (`tools/snapshot.py`)."""
    before, after = work / "before.bin", work / "after.bin"
    tool = ROOT / "tools" / "snapshot.mjs"
    subprocess.run(["node", tool, pyodide, before, after, *STARTED_WITH.split()], cwd=ROOT, check=True)
    wasm = (pyodide / "pyodide.asm.wasm").read_bytes()
    (pyodide / "snapshot.bin").write_bytes(snapshot.packed(wasm, before.read_bytes(), after.read_bytes()))


def build_runtime(pyscript: Path, pyodide: Path, work: Path, record: bool) -> None:
    """Fill the versioned folders with the files of PyScript, Pyodide and the wheels, and of `MODULES`."""
    micropip, *others = wheels = [download_wheel(name, work) for name in WHEELS]
    inputs = runtime_inputs()
    modules = {
        versioned(package, name): ROOT / "node_modules" / package / file
        for name, (package, file) in MODULES.items()
    }
    check([*inputs, *wheels, *modules.values()], record)
    folders = (pyscript, pyodide, *modules)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    *copied, stdlib = inputs
    for path in copied:
        shutil.copyfile(path, (pyodide if path.parent.name == "pyodide" else pyscript) / path.name)
    slimmed(pyodide, stdlib)
    (core,) = pyscript.glob("core-*.js")
    without_library(core)
    without_plugins(core)
    for folder, path in modules.items():
        shutil.copyfile(path, folder / path.name)
    stdlib = without(stdlib, work / stdlib.name, STDLIB_LEFT_OUT)
    with zipfile.ZipFile(stdlib, "a") as archive:
        for name, text in STAND_INS.items():
            archive.writestr(name, text)
    # Without docstrings and assertions: nobody reads either of these in a page.
    bytecompile(
        [(path, pyodide / path.name, 2) for path in (stdlib, *split_micropip(micropip, work), *others)]
    )
    write_snapshot(pyodide, work)
    compress([path for folder in folders for path in folder.iterdir()])


PACKED = """
import dataclasses, marshal
from binascii import crc32

with open(f"{__path__[0]}/dataclasses.code", "rb") as _file:
    _ahead = marshal.load(_file)
dataclasses.exec = lambda text, *names: exec(_ahead.get(crc32(text.encode()), text), *names)
__path__ = [f"{__path__[0]}/code.zip/rolltape"]
"""
"""What our package's `__init__` does in a page besides: its modules are imported from one archive beside it, and
`dataclasses` finds the code of ours compiled (`tools/dataclass_code.py`)."""


def packed(loose: Path, ahead: Path, target: Path) -> Path:
    """Put a wheel's modules into one archive in it: a page unpacks four files instead of a hundred, 0.5 ms each."""
    with zipfile.ZipFile(loose) as old, zipfile.ZipFile(target, "w") as new:
        inside = io.BytesIO()
        with zipfile.ZipFile(inside, "w") as code:
            for entry in old.infolist():
                outside = ".dist-info/" in entry.filename or entry.filename == "rolltape/__init__.pyc"
                (new if outside else code).writestr(entry, old.read(entry))
        new.writestr(zipfile.ZipInfo("rolltape/code.zip", EPOCH), inside.getvalue())
        new.writestr(zipfile.ZipInfo("rolltape/dataclasses.code", EPOCH), ahead.read_bytes())
    return target


def build_wheel(pyodide: Path, work: Path) -> None:
    """Put our own wheel into the runtime's folder, as byte code with its assertions."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(work)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    plain = next(work.glob("rolltape-*.whl"))
    as_is = without(plain, work / "plain.whl", DESK_ONLY)
    in_page = without(plain, work / "page.whl", DESK_ONLY, {"rolltape/__init__.py": PACKED})
    ahead, loose = work / "dataclasses.code", work / "loose.whl"
    in_pyodide("tools/dataclass_code.py", *(str(path.relative_to(ROOT)) for path in (as_is, ahead)))
    bytecompile([(in_page, loose, 0)])
    compiled = packed(loose, ahead, work / "compiled.whl")
    for stale in pyodide.glob("rolltape-*"):
        stale.unlink()
    name, version, *tags = plain.name.split("-")
    target = pyodide / "-".join([name, version, "0" + sha256(compiled)[:10], *tags])
    shutil.move(compiled, target)
    compress([target])


def write_lock(pyodide: Path) -> None:
    """Write the lock file from which micropip installs, with the hash of each wheel."""
    info = json.loads((ROOT / "node_modules" / "pyodide" / "pyodide-lock.json").read_text())["info"]
    packages = {}
    for wheel in sorted(pyodide.glob("*.whl")):
        module, version = wheel.name.split("-")[:2]
        name = module.replace("_", "-")
        packages[name] = {
            "name": name,
            "version": version,
            "file_name": wheel.name,
            "install_dir": "site",
            "sha256": sha256(wheel),
            "package_type": "package",
            "imports": [module],
            "depends": [],
            "unvendored_tests": False,
        }
    lock = pyodide / "pyodide-lock.json"
    lock.write_text(json.dumps({"info": info, "packages": packages}))
    compress([lock])


def write_manifest() -> None:
    """Record the hash of every built file."""
    files = sorted(p for p in VENDOR.rglob("*") if p.is_file() and p.suffix != ".br" and p.parent != VENDOR)
    manifest = {str(path.relative_to(VENDOR)): sha256(path) for path in files}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def current_recipe() -> str:
    """What the runtime is built by: this script and its parts, the recorded inputs, Binaryen."""
    parts = (Path(__file__), *(ROOT / "tools" / name for name in PARTS), RECORDED)
    return " ".join([*map(sha256, parts), npm_version("binaryen")])


def stale_folders(keep: tuple[Path, ...]) -> list[Path]:
    """Folders of versions that are no longer wanted."""
    return [path for path in VENDOR.iterdir() if path.is_dir() and path not in keep]


def main(record: bool = False) -> None:
    """Build what is missing; the runtime is built once a version, our wheel at every call."""
    pyscript, pyodide = versioned("@pyscript/core", "pyscript"), versioned("pyodide")
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
    modules = (versioned(package, name) for name, (package, _) in MODULES.items())
    for folder_ in stale_folders((pyscript, pyodide, *modules)):
        shutil.rmtree(folder_)
    write_manifest()


if __name__ == "__main__":
    try:
        main(record="--record" in sys.argv[1:])
    except (VendorError, SlimError, snapshot.SnapshotError, subprocess.CalledProcessError) as error:
        sys.exit(f"The runtime was not built. {error}")
