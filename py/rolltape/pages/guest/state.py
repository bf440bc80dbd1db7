"""What a guest's page tells its directors: one state, made from what is true right now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rolltape.core.notice import Notice, shortened
from rolltape.recording.take import Take, TakeState
from rolltape.recording.take_keeper import Status
from rolltape.room.messages import GuestState, StandingWarning
from rolltape.room.wire import MAX_SENTENCE, MAX_STANDING
from rolltape.settings.capture_constraints import GrantedVideo
from rolltape.settings.codec import describe

__all__ = ["Circumstances", "guest_state"]


@dataclass(frozen=True)
class Circumstances:
    """What is true of a guest beside the recording."""

    label: str
    refusal: str
    """Why no recording could be started now; empty: it could."""
    camera: GrantedVideo | None
    level: int
    minutes_left: float | None
    battery: int | None
    charging: bool | None
    hidden: bool
    muted: bool
    clock_error_ms: int | None
    warning: str
    """The last trouble that has happened, as it was told on the guest's page."""
    warnings_told: int = 0
    """How many such troubles there were on this page."""
    standing: Sequence[Notice] = ()
    """What is told there and holds right now, each with its subject."""


def guest_state(
    now: Circumstances, take: Take | None, status: Status | None, last: Take | None
) -> GuestState:
    """Put together the state that a guest announces to the room.

    `take` is the one being made, None while there is only its order, which `status` tells; `last` is the one before,
    for what became of it.
    """
    camera = now.camera
    state = GuestState(
        label=now.label,
        can_record=not now.refusal,
        refusal=shortened(now.refusal, MAX_SENTENCE),
        width=camera.width if camera else 0,
        height=camera.height if camera else 0,
        fps=camera.fps if camera else 0.0,
        level=now.level,
        minutes_left=now.minutes_left,
        battery=now.battery,
        charging=now.charging,
        hidden=now.hidden,
        muted=now.muted,
        clock_error_ms=now.clock_error_ms,
        warning=shortened(now.warning, MAX_SENTENCE),
        warnings_told=now.warnings_told,
        standing=tuple(
            StandingWarning(one.subject, shortened(one.text, MAX_SENTENCE))
            for one in now.standing[-MAX_STANDING:]
        ),
    )
    if take is not None and status is not None:
        state = _of_take(state, take, status.elapsed_ms, status.bytes)
        return replace(
            state,
            # Over once its log is on the disk and its clock noted: only then is told what became of it.
            state=TakeState.STOPPING if take.is_over else status.state,
            fps=state.fps if status.fps is None else status.fps,
            kbps=round(status.kbps, 1),
            can_record=False,
        )
    if status is not None:  # there is only the order yet
        state = replace(state, can_record=False)
    if last is None:
        return state
    failed = last.state is TakeState.FAILED
    state = _of_take(state, last, last.duration_ms, last.bytes)
    return replace(
        state,
        failed=failed,
        warning=state.warning or shortened(last.error or "", MAX_SENTENCE) if failed else state.warning,
    )


def _of_take(state: GuestState, take: Take, elapsed_ms: int, size: int) -> GuestState:
    return replace(
        state,
        started_by=take.started_by,
        take_id=take.id,
        take_name=take.name,
        elapsed_ms=max(0, elapsed_ms),
        bytes=size,
        parts=len(take.kept_parts),
        gap_ms=sum(part.gap_before_ms for part in take.kept_parts),
        mime_type=take.mime_type,
        codec=describe(take.mime_type) if take.mime_type else "",
        asked_video_kbps=take.rates.video_kbps,
        asked_audio_kbps=take.rates.audio_kbps,
    )
