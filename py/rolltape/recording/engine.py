"""What records a stream: the engine, the plan that makes one, and the way down its list of formats."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rolltape.core.errors import EngineError, RolltapeError
from rolltape.settings.bitrate import Rates, lossy
from rolltape.settings.codec import AudioCodec, Candidate, FormatChoice, VideoCodec, choose, next_choice

STOPPED = "The recording was stopped before it had begun."


class Engine(Protocol):
    """A recorder of one stream: MediaRecorder, or ours for PCM; in tests one that hands out known chunks.

    It is used by one part, in this order: `start`, then `chunks` beside `pause`, `resume` and `stop`, then `close`.
    A part closes every engine that it was given, also one that did not start. An engine holds the tracks that it
    records from when it is made until `close`.
    """

    @property
    def mime_type(self) -> str:
        """MIME type of what is really written; valid once started."""

    @property
    def error(self) -> EngineError | None:
        """The reason why it stopped by itself; None if it was asked to, or if every track ended."""

    async def start(self) -> None:
        """Begin; returns when it runs. Raises EngineError; `close` is called then."""

    @property
    def first_frame(self) -> int | None:
        """Count of samples that the microphone had given before the first that is recorded, by its own counter; None
        where that is not known. Valid once started.
        """

    def began_ms(self, first_picture_ms: float | None) -> float | None:
        """Return when its file's time began, in ms of the page's clock; None where it cannot tell.

        It tells best once it is known when in the file the first picture is.
        """

    def chunks(self) -> AsyncIterator[bytes]:
        """Every chunk in order, until it has stopped.

        Raises EngineError where one cannot be read: no more comes then. It ends after `stop`, but may take its time.
        """

    def stop(self) -> None:
        """Ask for the end; `chunks` ends after the last data. Never raises."""

    def pause(self) -> None:
        """Take nothing in until `resume`. Never raises."""

    def resume(self) -> None:
        """Go on. Never raises."""

    def close(self) -> None:
        """Let go of the browser's recorder, whatever it is doing, and of the tracks. Never raises."""


@dataclass(frozen=True)
class Plan:
    """A way to record: the formats in the order of trying, and the maker of an engine for one."""

    listed: tuple[Candidate, ...]
    choice: FormatChoice
    rates: Rates
    make_engine: Callable[[str, Rates], Engine]
    is_supported: Callable[[str], bool]
    slow: frozenset[VideoCodec] = frozenset()
    """The codecs that are known or expected not to keep up with this picture."""

    def from_choice(self, choice: FormatChoice) -> Plan:
        """Return the same, beginning further down the list."""
        return replace(self, choice=choice)

    def after_failure(self, error: EngineError) -> Plan | None:
        """Return the same with the next format of the list, since this one failed; None if it was the last."""
        return self._stepped_down(error.detail or error.sentence, "failed to start")

    def after_nothing(self) -> Plan | None:
        """Return the same with the next format, since this one delivered nothing; None if it was the last."""
        return self._stepped_down("", "delivered nothing")

    def _stepped_down(self, reason: str, what: str) -> Plan | None:
        following = next_choice(self.listed, self.choice, self.is_supported, reason, what)
        return None if following is None else self.from_choice(following)


def plan(
    listed: Sequence[Candidate],
    rates: Rates,
    make_engine: Callable[[str, Rates], Engine],
    is_supported: Callable[[str], bool],
    slow: frozenset[VideoCodec] = frozenset(),
) -> Plan | None:
    """Return the plan that begins with the first format this browser supports; None if it supports none."""
    choice = choose(listed, is_supported)
    return Plan(tuple(listed), choice, rates, make_engine, is_supported, slow) if choice else None


async def start_engine(wanted: Plan, is_wanted: Callable[[], bool] = lambda: True) -> tuple[Engine, Plan]:
    """Start an engine, stepping down the list where one fails although it was called supported.

    The plan that is given back begins with the format that started. Raises EngineError when none starts, or when
    it `is_wanted` no more; whatever else an engine raises is taken for one. No engine is left open then, nor when
    this is cancelled.
    """
    while True:
        if not is_wanted():
            raise EngineError(STOPPED)
        try:
            return await _started(wanted), wanted
        except Exception as error:
            failure = as_engine_error(error)
            following = wanted.after_failure(failure)
            if following is None:
                raise failure from error
            wanted = following


async def _started(wanted: Plan) -> Engine:
    candidate = wanted.choice.candidate
    rates = wanted.rates if candidate.audio is AudioCodec.PCM else lossy(wanted.rates)
    engine = wanted.make_engine(candidate.mime_type, rates)
    try:
        await engine.start()
    except BaseException:
        engine.close()
        raise
    return engine


def not_started(error: Exception) -> EngineError:
    """Return an EngineError that says that no recording began, and why, whatever was raised."""
    said = error.sentence if isinstance(error, RolltapeError) else f"({error!r})"
    return EngineError(f"The recording could not start. {said}")


def as_engine_error(error: Exception) -> EngineError:
    """Return the exception as an EngineError, so that nothing that a browser throws can end more than a part."""
    if isinstance(error, EngineError):
        return error
    sentence = error.sentence if isinstance(error, RolltapeError) else "The browser's recorder failed."
    return EngineError(sentence, getattr(error, "detail", "") or f"{type(error).__name__}: {error}")
