"""The wheels that a page installs: two from PyPI, our own, and the lock file from which micropip does it."""

from __future__ import annotations

import json
import marshal
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from runtime import archives
from runtime.bytecompiled import compile_archives
from runtime.paths import PACKAGE, PYODIDE, ROOT, BuildError, sha256
from runtime.step import Tree

REQUIREMENTS = ROOT / "requirements" / "page.txt"
"""What a page installs from PyPI, with hashes; a page loads segno (QR codes) only when somebody asks for a code."""
TRACKS_OF_A_DESK = [
    *(
        "audio_file",
        "check",
        "child",
        "cli",
        "copied",
        "films",
        "firefox_pictures",
        "job",
        "fcpxml",
        "file_clock",
        "film_file",
        "look",
        "make",
        "mix",
        "otio",
        "outputs",
        "picture",
        "picture_plan",
        "place",
    ),
    *("plan", "reaper", "session"),
    *("project", "report", "report_page", "sound", "stamps", "track_sound", "video_file"),
    *("order_child", "orders", "processes", "sounds"),
]
DESK_ONLY = [
    *("server/*", "convert/cli.py", "core/desk.py", "__main__.py", "www/*"),
    *(f"tracks/{name}.py" for name in TRACKS_OF_A_DESK),
]
"""What of our package runs on a desk only."""
PYC_HEAD = 16
"""Bytes before the code (PEP 552)."""
PACKED = """
import marshal, sys

with open(f"{__path__[0]}/modules.code", "rb") as _file:
    _modules = marshal.load(_file)

class _Modules:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in _modules:
            return type(__spec__)(name, _Modules, is_package=_modules[name][0])

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        exec(marshal.loads(_modules[module.__name__][1]), module.__dict__)
        del _modules[module.__name__]

sys.meta_path.insert(0, _Modules)
"""
"""What our package's `__init__` does in a page besides: it imports its modules from one file beside it.

Python's importer of zip archives opens the archive and reads a module's code twice for each; this costs a tenth.
"""


def download(folder: Path) -> list[Path]:
    """Fetch the wheels from PyPI into `folder`, each checked against its hash. Raises BuildError."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    options = ("--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--require-hashes")
    command = [*pip, *options, "--dest", str(folder), "-r", str(REQUIREMENTS)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise BuildError(f"The page's wheels could not be fetched. {done.stderr.strip()}")
    return sorted(folder.glob("*.whl"))


def source_wheel(folder: Path, vendor_names: dict[str, str], packed: bool) -> Path:
    """Write our package as a page has it into `folder`, as source; `packed` with `PACKED`.

    Where a module names a file of `static/vendor/` by its folder's plain name, it is given the one in `vendor_names`.
    """
    files: dict[str, bytes] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE).as_posix()
        if not archives.matches(inside, DESK_ONLY):
            text = path.read_text() + PACKED * (packed and inside == "__init__.py")
            for plain, name in vendor_names.items():
                text = text.replace(f"static/vendor/{plain}/", f"static/vendor/{name}/")
            files[f"rolltape/{inside}"] = text.encode()
    about = f"Metadata-Version: 2.1\nName: rolltape\nVersion: {version()}\n"
    files[f"rolltape-{version()}.dist-info/METADATA"] = about.encode()
    target = folder / ("packed.whl" if packed else "loose.whl")
    archives.write(target, files)
    return target


def version() -> str:
    """Our version, as `rolltape/__init__.py` has it."""
    (found,) = re.findall(r'^__version__ = "(.+)"$', (PACKAGE / "__init__.py").read_text(), re.M)
    return str(found)


def put_ours(tree: Tree, work: Path, vendor_names: dict[str, str]) -> None:
    """Put our wheel into the tree, byte-compiled with its assertions, its modules in one file in it.

    A page unpacks four files then instead of a hundred, 0.5 ms each. Its content's hash is in its name.
    """
    compiled = work / "compiled.whl"
    compile_archives((source_wheel(work, vendor_names, packed=True), compiled, 0))
    files = archives.read(compiled)
    outside = {
        name: data for name, data in files.items() if ".dist-info/" in name or name == "rolltape/__init__.pyc"
    }
    inside = {name: data for name, data in files.items() if name not in outside}
    write_ours(tree, {**outside, "rolltape/modules.code": modules_code(inside)})


def modules_code(files: Mapping[str, bytes]) -> bytes:
    """Return what `PACKED` reads: for each module whether it is a package, and its code as `marshal` has it."""
    modules = {}
    for path, data in sorted(files.items()):
        name = path.removesuffix(".pyc").replace("/", ".")
        package = name.removesuffix(".__init__")
        modules[package] = (package != name, data[PYC_HEAD:])
    return marshal.dumps(modules, 2)  # of whatever Python builds this, and read by the page's


def write_ours(tree: Tree, files: dict[str, bytes]) -> None:
    """Have our wheel hold these files, under a name with their hash, and the lock file name it."""
    for stale in tree.pyodide.glob("rolltape-*"):
        stale.unlink()
    plain = tree.pyodide / "rolltape-new.whl"
    archives.write(plain, files)
    plain.rename(tree.pyodide / f"rolltape-{version()}-0{sha256(plain.read_bytes())[:10]}-py3-none-any.whl")
    write_lock(tree)


def write_lock(tree: Tree, recipe: str = "") -> None:
    """Write the lock file of all wheels in the tree, with the hash of each; `recipe` is what the console says."""
    info = json.loads((PYODIDE / "pyodide-lock.json").read_text())["info"]
    packages = {}
    for wheel in sorted(tree.pyodide.glob("*.whl")):
        module, wheel_version = wheel.name.split("-")[:2]
        name = module.replace("_", "-")
        packages[name] = {
            "name": name,
            "version": wheel_version,
            "file_name": wheel.name,
            "install_dir": "site",
            "sha256": sha256(wheel.read_bytes()),
            "package_type": "package",
            "imports": [module],
            "depends": [],
            "unvendored_tests": False,
        }
    lock = {"info": {**info, "recipe": recipe}, "packages": packages}
    (tree.pyodide / "pyodide-lock.json").write_text(json.dumps(lock))
