"""What went on, counted, in Prometheus's text format (text/plain; version=0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

__all__ = ["Metrics"]


class Metrics:
    """Counts of one process since it started; one thread changes them."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("joins", "messages", "refused", "trouble")
        }

    def joined(self, code: str) -> None:
        """Count a request to join; `code` is the refusal's, or `ok`."""
        self._counts["joins"][code] += 1

    def message(self, kind: str) -> None:
        """Count a message that was handed on, by its event."""
        self._counts["messages"][kind] += 1

    def refused(self, why: str) -> None:
        """Count a message or a connection that was refused; `why` is one of a few words of ours."""
        self._counts["refused"][why] += 1

    def trouble(self, what: str) -> None:
        """Count something that did not go as it should in this process."""
        self._counts["trouble"][what] += 1

    def text(self, gauges: Mapping[str, float]) -> str:
        """Return all figures in Prometheus's text format; `gauges` are those that hold right now, by name."""
        lines = []
        for name, value in gauges.items():
            lines += [f"# TYPE rolltape_{name} gauge", f"rolltape_{name} {value:g}"]
        for name, counts in self._counts.items():
            lines.append(f"# TYPE rolltape_{name}_total counter")
            lines += [f'rolltape_{name}_total{{what="{what}"}} {n}' for what, n in sorted(counts.items())]
        return "\n".join(lines) + "\n"
