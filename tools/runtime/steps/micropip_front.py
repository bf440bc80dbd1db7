"""Puts a small front in the place of micropip (`runtime/micropip_front.py`), which comes when it is really asked.

What a page installs is in its lock file; to find that out, micropip imports a resolver for everything that is not.
"""

from __future__ import annotations

from runtime import archives
from runtime.bytecompiled import compile_texts
from runtime.node import start
from runtime.paths import HERE
from runtime.step import NotApplicable, Remarks, Step, Tree
from runtime.wheels import write_lock

INIT, REST = "micropip/__init__.pyc", "micropip/_rest.pyc"


def apply(tree: Tree) -> Remarks:
    """Make two wheels of it: what installs from the lock file, and the rest. Raises NotApplicable."""
    wheel = tree.wheel("micropip")
    files = archives.read(wheel)
    if INIT not in files or REST in files:
        raise NotApplicable("micropip's package does not look as it did.")
    version = wheel.name.split("-")[1]
    about = {name: data for name, data in files.items() if ".dist-info/" in name}
    front = compile_texts({"micropip/__init__.py": (HERE / "micropip_front.py").read_text()})
    rest = {REST if name == INIT else name: data for name, data in files.items() if name not in about}
    metadata = f"Metadata-Version: 2.1\nName: micropip-rest\nVersion: {version}\n"
    rest[f"micropip_rest-{version}.dist-info/METADATA"] = metadata.encode()
    archives.write(wheel, {**front, **about})
    archives.write(tree.pyodide / f"micropip_rest-{version}-py3-none-any.whl", rest)
    write_lock(tree)
    return []


STEP = Step("micropip-front", "a fifth of a start's time", apply, start)
