"""Whether a guest could be recorded right now: one check for each thing that may go wrong, and a verdict.

Pure: the page gathers what is known (`Known`) and draws what comes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rolltape.recording.save_permission import Saving
from rolltape.settings.codec import CodecWish, Container, VideoCodec, candidates

__all__ = ["HEARD_FROM", "REFUSED", "Check", "CheckState", "Known", "Readiness", "browser_can", "readiness"]

HEARD_FROM = 0.02
"""The loudest sample must reach this (-34 dBFS): above a quiet room's noise, below quiet speech."""
ENOUGH_MINUTES = 30
REFUSED = "This link does not allow recording."
ASKED_LATER = (Saving.UNKNOWN, Saving.ASKS)
"""The browser's question comes at a time when perhaps nobody is there."""


class CheckState(StrEnum):
    """States of a check; the value is its `data-state`."""

    WAIT = "wait"
    OK = "ok"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True)
class Known:
    """Facts known before a recording."""

    opened: bool = False
    """Whether devices and storage have been asked for."""
    refused: bool = False
    """Whether the link does not allow recording."""
    camera: bool | None = None
    """None: the link asks for none."""
    microphone: bool | None = None
    heard: bool | None = False
    """None: nobody can tell."""
    format_found: bool = False
    downloads: bool = False
    journal: bool = False
    minutes_left: float | None = None
    """None: nobody knows."""
    saving: Saving = Saving.ALLOWED
    directed: bool = False
    """Whether somebody else may start recordings, while nobody is here to answer the browser."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `name` is the end of its element's `data-testid`, `check-NAME`."""

    name: str
    state: CheckState


@dataclass(frozen=True)
class Readiness:
    """All checks in the order of the page, and what they come to: `verdict` is a sentence for the guest."""

    checks: tuple[Check, ...]
    state: CheckState
    verdict: str

    @property
    def can_test(self) -> bool:
        """True if something can be recorded; false too until devices and storage were asked for."""
        return self.state not in (CheckState.BAD, CheckState.WAIT)


def readiness(known: Known) -> Readiness:
    """Judge what is known; the verdict is the first thing that stands in the way, or that all is well."""
    checks = (
        Check("granted", _devices(known)),
        Check("heard", _heard(known)),
        Check("codec", _needed(known, known.format_found)),
        Check("destination", _places(known)),
        Check("saving", _saving(known)),
        Check("space", _space(known)),
    )
    state, verdict = _verdict(known, {check.name: check.state for check in checks})
    return Readiness(checks, state, verdict)


def browser_can(can_record: Callable[[str], bool]) -> str:
    """Return words for the formats that this browser records, out of those that a recording tries.

    `can_record` answers for a MIME type by what the browser says; a recording of it may still fail to begin.
    """
    named = {VideoCodec.VP8: "VP8", VideoCodec.H264: "H.264", VideoCodec.VP9: "VP9", VideoCodec.AV1: "AV1"}
    formats = [one for one in candidates(CodecWish()) if can_record(one.mime_type)]
    if not formats:
        sound = candidates(CodecWish(), has_video=False)
        return "no pictures" if any(can_record(one.mime_type) for one in sound) else "nothing"
    codecs = {one.video for one in formats}
    found = [name for codec, name in named.items() if codec in codecs] or ["a codec of its own choice"]
    listed = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    only = "only " if len(found) == 1 else ""
    where = " in MP4" if all(one.container is Container.MP4 for one in formats) else ""
    return f"{only}{listed}{where}. Keep this tab open until the recording is finished."


def _devices(known: Known) -> CheckState:
    asked = [given for given in (known.camera, known.microphone) if given is not None]
    if not known.opened:
        return CheckState.WAIT
    if not any(asked):
        return CheckState.BAD
    return CheckState.OK if all(asked) else CheckState.WARNING


def _heard(known: Known) -> CheckState:
    if not known.opened or (known.microphone and known.heard is False):
        return CheckState.WAIT
    return CheckState.OK if known.microphone and known.heard else CheckState.WARNING


def _needed(known: Known, there: bool) -> CheckState:
    if not known.opened:
        return CheckState.WAIT
    return CheckState.OK if there else CheckState.BAD


def _places(known: Known) -> CheckState:
    if known.opened and known.downloads != known.journal:
        return CheckState.WARNING
    return _needed(known, known.downloads and known.journal)


def _saving(known: Known) -> CheckState:
    if not known.opened or (known.saving is Saving.UNKNOWN and not known.directed):
        return CheckState.WAIT
    return CheckState.OK if known.saving is Saving.ALLOWED or not known.downloads else CheckState.WARNING


def _space(known: Known) -> CheckState:
    if known.minutes_left is None:
        return CheckState.WAIT if known.journal or not known.opened else CheckState.WARNING
    return CheckState.OK if known.minutes_left >= ENOUGH_MINUTES else CheckState.WARNING


def _verdict(known: Known, states: dict[str, CheckState]) -> tuple[CheckState, str]:
    if known.refused:
        return CheckState.BAD, REFUSED
    if not known.opened:
        return CheckState.WAIT, "Looking for camera and microphone … If the browser asks, answer “Allow”."
    reasons = {
        "granted": "There is neither camera nor microphone to record.",
        "codec": "Nothing of what is there can be recorded.",
        "destination": "There is nowhere to write a recording to.",
    }
    for name, reason in reasons.items():
        if states[name] is CheckState.BAD:
            return CheckState.BAD, f"Not ready. {reason}"
    if states["heard"] is CheckState.WAIT:
        return CheckState.WARNING, "Ready, but nothing was heard yet: say something."
    if states["saving"] is CheckState.WARNING and known.saving in ASKED_LATER:
        return (
            CheckState.WARNING,
            "Ready, but the browser may ask before it saves another file: press “Ask now”.",
        )
    if CheckState.WARNING in states.values():
        return CheckState.WARNING, "Ready. See what is marked below."
    return CheckState.OK, "Ready to record."
