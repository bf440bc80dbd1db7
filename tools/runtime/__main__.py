"""`make page`: builds what the page runs on into `static/vendor/`, and the page around it into `py/rolltape/www/`.

`python -m runtime` (with `tools` on the path) does what is missing or stale and nothing else. Pyodide and PyScript
come from npm (`package-lock.json` pins their content), micropip and segno from PyPI
(`requirements/page.txt` does). The steps of `runtime.steps` make them start faster; one that does not apply is left
out, and the page works without it. In `static/vendor/` come out

- a folder each for Pyodide with all wheels, and PyScript. The folder's name is the
  version and the hash of its content, so that a server may let browsers keep it for ever; only the lock file in it,
  from which micropip installs and by which the browser checks our wheel, and our wheel itself change;
- a brotli copy (`.br`) of each file;
- `manifest.json`: what was built, by which recipe, and the SHA-256 of every file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import brotli

from runtime import base, page, steps
from runtime.node import NodeError
from runtime.paths import BUILD, HERE, PAGE, VENDOR, BuildError, npm_locked, npm_version, sha256
from runtime.runner import Asked, Recipe, StrictError, run
from runtime.step import Tree
from runtime.wheels import REQUIREMENTS, put_ours, write_lock


@dataclass(frozen=True)
class Place:
    """Where the runtime is built, and the page around it."""

    vendor: Path = VENDOR
    page: Path = PAGE
    compressed: bool = True
    """Whether there are brotli copies: without, a build is half as long."""

    @property
    def recipe(self) -> Path:
        """What the runtime was made of, and what was done to it."""
        return self.vendor / "recipe.json"


def made_of(asked: Asked) -> str:
    """A name for all that the runtime is made of, but for our own wheel."""
    tools = sorted(
        path for path in HERE.rglob("*") if path.suffix in (".py", ".mjs") and path.name != "page.py"
    )
    npm = [npm_locked(package)["integrity"] for package in (*base.MODULES.values(), "binaryen")]
    facts = [*(sha256(path.read_bytes()) for path in (*tools, REQUIREMENTS)), *npm, *sorted(asked.without)]
    return sha256("\n".join(facts).encode())


def is_ours(path: Path) -> bool:
    """Whether it changes with our own Python: our wheel, and the lock file that names it."""
    return path.name.startswith(("rolltape-", "pyodide-lock.json"))


def content_name(folder: Path, package: str) -> str:
    """What a folder of the runtime is called: version and a hash of what is in it."""
    files = [path for path in sorted(folder.iterdir()) if not is_ours(path) and path.suffix != ".br"]
    facts = "\n".join(f"{path.name} {sha256(path.read_bytes())}" for path in files)
    return f"{folder.name}-{npm_version(package)}-{sha256(facts.encode())[:8]}"


def compress(paths: Iterable[Path]) -> None:
    """Write the brotli copies beside the files, as small as they get: built once, fetched by everybody."""

    def write(path: Path) -> None:
        path.with_name(path.name + ".br").write_bytes(brotli.compress(path.read_bytes(), quality=11))

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, paths))


def build_runtime(work: Path, asked: Asked, place: Place) -> None:
    """Build the runtime anew."""
    tree = Tree(work / "tree")
    base.build(tree, work, {})
    recipe = run(steps.RUNTIME, tree, work, asked)
    place.vendor.mkdir(parents=True, exist_ok=True)
    named = {content_name(folder, base.MODULES[folder.name]): folder for folder in tree.folders()}
    for stale in place.vendor.iterdir():
        if stale.name not in named:
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    for name, folder in named.items():
        if not (place.vendor / name).exists():  # else it is the same, and compressing it takes long
            if place.compressed:
                compress([path for path in folder.iterdir() if not is_ours(path)])
            shutil.move(folder, place.vendor / name)
    kept = {"made_of": made_of(asked), **vars(recipe)}
    place.recipe.write_text(json.dumps(kept, indent=2) + "\n")


def build_ours(work: Path, asked: Asked, place: Place) -> Recipe:
    """Build our wheel into the runtime; returns what was done to both."""
    kept = json.loads(place.recipe.read_text())
    recipe = Recipe(kept["applied"], kept["left_out"], kept["remarks"])
    names = page.built(place.vendor)
    tree = Tree(work / "ours")
    for plain, name in names.items():
        shutil.copytree(place.vendor / name, tree.root / plain, ignore=shutil.ignore_patterns("*.br"))
    put_ours(tree, work, names)
    recipe = run(steps.PAGE, tree, work, asked, recipe)
    write_lock(tree, said(recipe))
    target = place.vendor / names["pyodide"]
    for stale in (path for path in target.iterdir() if is_ours(path)):
        stale.unlink()
    fresh = [Path(shutil.copy(path, target)) for path in tree.pyodide.iterdir() if is_ours(path)]
    if place.compressed:
        compress(fresh)
    return recipe


def said(recipe: Recipe) -> str:
    """What the page's console says of its runtime."""
    left_out = f"; left out: {', '.join(recipe.left_out)}" if recipe.left_out else ""
    return f"Pyodide {npm_version('pyodide')} with {', '.join(recipe.applied) or 'byte code only'}{left_out}."


def write_manifest(recipe: Recipe, vendor: Path) -> None:
    """Record what was built by which recipe, and the hash of every file."""
    files = sorted(p for p in vendor.rglob("*") if p.is_file() and p.suffix != ".br" and p.parent != vendor)
    manifest = {
        "versions": {package: npm_version(package) for package in base.MODULES.values()},
        "recipe": vars(recipe),
        "files": {path.relative_to(vendor).as_posix(): sha256(path.read_bytes()) for path in files},
    }
    (vendor / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def build(asked: Asked, place: Place) -> None:
    """Build what is missing: the runtime once, our wheel and the page at every call."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        work = Path(folder)
        if not place.recipe.exists() or json.loads(place.recipe.read_text())["made_of"] != made_of(asked):
            build_runtime(work, asked, place)
        recipe = build_ours(work, asked, place)
    write_manifest(recipe, place.vendor)
    page.assemble(place.vendor, place.page)
    print(said(recipe))


def main() -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m runtime", description="Builds the page.")
    names = [step.name for step in (*steps.RUNTIME, *steps.PAGE)]
    parser.add_argument("--strict", action="store_true", help="fail where a step is left out or finds less")
    parser.add_argument(
        *("--without", "-w"),
        action="append",
        default=[],
        metavar="STEP",
        choices=[*names, "all"],
        help=f"leave a step out: {', '.join(names)}, or all",
    )
    parser.add_argument(
        "--to",
        type=Path,
        metavar="FOLDER",
        help="build into FOLDER/vendor and FOLDER/www, uncompressed: to try things",
    )
    options = parser.parse_args()
    place = Place(options.to / "vendor", options.to / "www", False) if options.to else Place()
    try:
        build(Asked(frozenset(options.without), options.strict), place)
    except (BuildError, NodeError, StrictError) as error:
        print(f"The page was not built. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
