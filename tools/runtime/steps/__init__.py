"""The steps that make Pyodide start faster, in the order in which they are applied (`runtime.step`)."""

from __future__ import annotations

from runtime.step import Step
from runtime.steps import (
    dataclass_code,
    exports,
    memory_snapshot,
    micropip_front,
    pyscript_parts,
    tables,
    trim_library,
    unused_code,
)

RUNTIME: tuple[Step, ...] = (
    trim_library.STEP,
    exports.STEP,
    tables.STEP,
    unused_code.STEP,
    micropip_front.STEP,
    pyscript_parts.STEP,
    memory_snapshot.STEP,
)
"""What is done to Pyodide, PyScript and the wheels of others: once, until one of these or a step changes."""

PAGE: tuple[Step, ...] = (dataclass_code.STEP,)
"""What is done to our own wheel: whenever our Python changes."""
