"""The table of what survives, a row a fault; `python -m faults.report` puts that of all runs into the docs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "build" / "reliability.jsonl"
TABLE = ROOT / "build" / "reliability.md"
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- what survives -->\n", "<!-- end -->"
HEAD = "| browser | fault | kept in Downloads | kept on the shelf | lost ms |\n|---|---|---|---|---|\n"


@dataclass(frozen=True)
class Row:
    """One fault in one run."""

    browser: str
    fault: str
    downloads: str
    shelf: str
    lost_ms: int
    remark: str = ""


def table(rows: Iterable[Row]) -> str:
    """Markdown; where a fault was provoked several times, the losses of each time and the words of the worst."""
    runs: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        runs.setdefault((row.browser, row.fault), []).append(row)
    lines = []
    for (browser, fault), found in runs.items():
        worst = max(found, key=lambda row: row.lost_ms)
        lost = " / ".join(str(row.lost_ms) for row in found)
        remark = f"; {worst.remark}" if worst.remark else ""
        lines.append(f"| {browser} | {fault} | {worst.downloads} | {worst.shelf}{remark} | {lost} |\n")
    return HEAD + "".join(lines)


def write(rows: list[Row]) -> None:
    """Put this run's table into `build/`, and its rows behind those of the runs before."""
    RUNS.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(rows))
    with RUNS.open("a") as log:
        log.writelines(json.dumps(asdict(row)) + "\n" for row in rows)


def publish() -> None:
    """Put the table of all runs into the document, between its markers."""
    rows = [Row(**json.loads(line)) for line in RUNS.read_text().splitlines()]
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    DOCUMENT.write_text(before + BEGIN + table(rows) + END + rest.partition(END)[2])


if __name__ == "__main__":
    publish()
