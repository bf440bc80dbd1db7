"""The report as a page that a person reads (`report.html`): no script, nothing fetched, every text escaped.

It says what `report.json` does. Each recording has a plot of how far its sound would have been off by and by, had
nothing been taken out.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Look", "report_page"]

TOLD_SILENCE_S = 0.1
MOST_ROWS = 200
"""Of losses and silences of one track."""
WIDE, HIGH, EDGE = 640, 120, 4
LEAST_MS = 10.0
"""What the plot is high at least, so that nothing looks like a lot."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; }
h2 { margin: 2rem 0 .5rem; border-top: 1px solid; padding-top: 1rem; overflow-wrap: anywhere; }
h3 { margin: 1.2rem 0 .3rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; }
th, td { text-align: start; vertical-align: top; padding: .15rem 1rem .15rem 0; font-weight: normal;
  font-variant-numeric: tabular-nums; }
th { opacity: .75; }
figure { margin: .5rem 0; }
figcaption { font-size: .9rem; opacity: .75; }
svg { display: block; width: 100%; height: 8rem; border: 1px solid; border-radius: .3rem; }
svg path { fill: none; stroke: currentColor; stroke-width: 2; vector-effect: non-scaling-stroke; }
svg.sound { height: 4rem; }
svg.sound path { stroke-width: 1; }
img { display: block; max-width: 100%; margin: .5rem 0; border-radius: .3rem; }
svg .none { stroke-width: 1; opacity: .4; }
svg .lost { stroke: light-dark(#b3261e, #ff8a80); }
.bad { color: light-dark(#b3261e, #ff8a80); }
"""


@dataclass(frozen=True)
class Look:
    """A track at a glance."""

    peaks: tuple[float, ...] = ()
    """The loudest sample of a moment (20 to 90 ms) at each of so many equal steps, 0 to 1."""
    still: bytes = b""
    """A JPEG; empty where there is no picture."""


def report_page(report: Mapping[str, Any], looks: Mapping[str, Look]) -> str:
    """Return the page of a report, as `report.report_plain` has it, with what tracks look like, by their names."""
    length_s = report["samples"] / report["rate_hz"]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width"><title>Tracks: the report</title>',
        f"<style>{STYLE}</style></head><body><h1>Tracks: the report</h1>",
        _table(
            [
                ("Begin at", escape(report["began"] or "nobody knows")),
                ("Are as long as", f"{_clock(length_s)}, {report['samples']} samples"),
            ]
        ),
    ]
    if report["missing"]:
        names = "".join(f"<li>{escape(name)}</li>" for name in report["missing"])
        parts.append(f'<p class="bad">Not used, since missing or unreadable:</p><ul>{names}</ul>')
    for track in report["tracks"]:
        parts += _track(track, looks.get(track["name"], Look()))
    return "\n".join([*parts, "</body></html>\n"])


def _track(track: Mapping[str, Any], look: Look) -> Iterator[str]:
    yield f"<h2>{escape(track['name'])}</h2>"
    if look.still:
        yield f'<img alt="One of the pictures" src="data:image/jpeg;base64,{b64encode(look.still).decode()}">'
    if look.peaks:
        yield _waveform(look.peaks)
    if not track["files"]:
        yield '<p class="bad">Nothing of it could be used.</p>'
    for file in track["files"]:
        yield from _file(file, [one for one in track["pieces"] if one["file"] == file["file"]])
    silences = [one for one in track["silences"] if one["length_s"] >= TOLD_SILENCE_S]
    if silences:
        yield "<h3>Silent, since nothing was recorded</h3>"
        yield _moments((one["at_s"], f"{one['length_s']:.2f} s") for one in silences)


def _file(file: Mapping[str, Any], pieces: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    runs, room = file["runs"], file["to_room"]
    lost = [(run["at_s"], run["lost_before_ms"]) for run in runs if run["lost_before_ms"] > 0]
    yield f"<h3>{escape(file['file'])}</h3>"
    yield _table(_facts(file, room, lost))
    if runs:
        yield _plot(runs, max((one["in_file_s"] + one["length_s"] for one in pieces), default=0.0))
    if lost:
        yield "<p>Lost, at these times of the file:</p>"
        yield _moments((at_s, f"{ms:.0f} ms") for at_s, ms in lost)


def _facts(
    file: Mapping[str, Any], room: Mapping[str, Any] | None, lost: Sequence[tuple[float, float]]
) -> Iterator[tuple[str, str]]:
    runs = file["runs"]
    if runs:
        low, high = (edge(run["ppm"] for run in runs) for edge in (min, max))
        by = "its own time stamps" if file["by"] == "stamps" else "marks of its page"
        drift = f"{high:+.1f}" if high - low < 0.05 else f"{low:+.1f} to {high:+.1f}"
        yield "Sound against its page", f"{drift} millionths, by {by}"
        residual_ms = max(run["residual_ms"] for run in runs)
        yield "What is left of that", f"{residual_ms:.2f} ms at most (residual)"
    else:
        yield "Sound against its page", '<span class="bad">nothing tells: taken to be right</span>'
    if room is None:
        yield "Page against the room", '<span class="bad">not noted: aligned at the beginning alone</span>'
    else:
        count = room["readings"]
        yield "Page against the room", f"{-room['ppm']:+.1f} millionths, by {count} readings"
        yield "Known to within", f"{room['bound_ms']:.1f} ms (bound)"
    if file["late_ms"]:
        which = "late" if file["late_ms"] > 0 else "early"
        constant = f"{abs(file['late_ms']):.1f} ms, by which the browser stamps sound {which}"
        yield "Taken off, a constant", constant
    places = "1 place" if len(lost) == 1 else f"{len(lost)} places"
    yield "Lost", f"{sum(ms for _, ms in lost):.0f} ms in {places}" if lost else "nothing"
    if file["undecodable_s"]:
        yield "Damaged", f'<span class="bad">{file["undecodable_s"]:.2f} s are silence</span>'


def _plot(runs: Sequence[Mapping[str, Any]], end_s: float) -> str:
    """How far the sound would be off: a line for each run, and one in red where something was lost."""
    lines: list[tuple[tuple[float, float], tuple[float, float]]] = []
    steps: list[tuple[tuple[float, float], tuple[float, float]]] = []
    off_ms = 0.0
    for number, run in enumerate(runs):
        from_s = run["at_s"]
        until_s = runs[number + 1]["at_s"] if number + 1 < len(runs) else max(end_s, from_s)
        if run["lost_before_ms"] > 0:
            steps.append(((from_s, off_ms), (from_s, off_ms - run["lost_before_ms"])))
            off_ms -= run["lost_before_ms"]
        begun_ms, off_ms = off_ms, off_ms + (until_s - from_s) * run["ppm"] / 1000
        lines.append(((from_s, begun_ms), (until_s, off_ms)))
    points = [point for line in (*lines, *steps) for point in line]
    first_s, last_s = min(at for at, _ in points), max(at for at, _ in points)
    half_ms = max(LEAST_MS, *(abs(ms) for _, ms in points))

    def drawn(point: tuple[float, float]) -> str:
        x = EDGE + (point[0] - first_s) / max(last_s - first_s, 1e-9) * (WIDE - 2 * EDGE)
        y = HIGH / 2 - point[1] / half_ms * (HIGH / 2 - EDGE)
        return f"{x:.1f} {y:.1f}"

    def path(kind: str, of: Iterable[tuple[tuple[float, float], tuple[float, float]]]) -> str:
        return "".join(f'<path class="{kind}" d="M{drawn(a)} L{drawn(b)}"/>' for a, b in of)

    zero = path("none", [((first_s, 0.0), (last_s, 0.0))])
    words = f"Had nothing been taken out: {off_ms:+.1f} ms off at the end"
    caption = f"{words}, after {_clock(last_s - first_s)}. The edges are {half_ms:.0f} ms off."
    return (
        f'<figure><svg viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" aria-hidden="true">'
        f"{zero}{path('drift', lines)}{path('lost', steps)}</svg><figcaption>{caption}</figcaption></figure>"
    )


def _waveform(peaks: Sequence[float]) -> str:
    """How loud the track is at some moments, from its beginning to its end."""
    bars = "".join(
        f"M{at} {HIGH / 2 - high:.1f}V{HIGH / 2 + high:.1f}"
        for at, high in enumerate(max(0.5, peak * HIGH / 2) for peak in peaks)
    )
    told = f"How loud the track is at {len(peaks)} moments, from beginning to end; what is short may lie between two."
    return (
        f'<figure><svg class="sound" viewBox="0 0 {len(peaks)} {HIGH}" preserveAspectRatio="none" '
        f'aria-hidden="true"><path d="{bars}"/></svg><figcaption>{told}</figcaption></figure>'
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """A table of facts; the second of each is markup."""
    cells = "".join(f'<tr><th scope="row">{name}</th><td>{fact}</td></tr>' for name, fact in rows)
    return f"<table>{cells}</table>"


def _moments(rows: Iterable[tuple[float, str]]) -> str:
    rows = list(rows)
    cells = "".join(f"<tr><td>{_clock(at_s)}</td><td>{what}</td></tr>" for at_s, what in rows[:MOST_ROWS])
    more = f"<p>And {len(rows) - MOST_ROWS} more: report.json has all.</p>" if len(rows) > MOST_ROWS else ""
    return f"<table>{cells}</table>{more}"


def _clock(seconds: float) -> str:
    """Write a time of a track: `0:07.25`, `1:02:03.00`."""
    hundredths = round(abs(seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    sign = "−" if seconds < 0 and hundredths else ""
    tail = f"{minutes:02d}:{rest / 100:05.2f}" if hours else f"{minutes}:{rest / 100:05.2f}"
    return f"{sign}{hours}:{tail}" if hours else f"{sign}{tail}"
