"""The checks before a recording, on the guest's page: gathered, judged (`readiness`), drawn."""

from __future__ import annotations

from dataclasses import replace

from rolltape.pages.document import Document
from rolltape.pages.interfaces import Browser, Capture
from rolltape.recording.part_recorder import Places
from rolltape.recording.preflight import HEARD_FROM, Known, Readiness, browser_can, readiness
from rolltape.recording.save_permission import Saving
from rolltape.settings.bitrate import RecordMode
from rolltape.settings.link import Settings
from rolltape.settings.query import NO_DEVICE

STARTING_MS = 4000.0
"""So long a browser may take until sound can be measured."""


class ReadyView:
    """Shows a guest whether they could be recorded right now; the verdict is read out when it changes.

    The guest's page makes one and calls `look` some times a second; only what changed is drawn.
    """

    def __init__(self, settings: Settings, document: Document, browser: Browser) -> None:
        self._settings = settings
        self._document = document
        self._now_ms = browser.now_ms
        self._measured_ms = browser.now_ms()
        self._known = Known(refused=settings.record.mode is RecordMode.REFUSED)
        self._drawn: Readiness | None = None
        self._microphone = ""
        document.text("browser-can", browser_can(browser.can_record))

    @property
    def can_test(self) -> bool:
        """True if something could be recorded when `look` was called last; false before."""
        return self._drawn is not None and self._drawn.can_test

    def look(
        self,
        capture: Capture | None,
        peak: float | None,
        places: Places,
        has_plan: bool,
        minutes: float | None,
        saving: Saving,
    ) -> None:
        """Judge what is true now and draw it; called once devices and storage were asked for.

        `capture` is None without any device, `peak` the loudest sample of the last moment, 0 to 1, or None where
        nobody can tell. `has_plan` says that a format was found, `minutes` for how long there is room; None: unknown.
        """
        settings = self._settings
        camera = capture.granted_video() if capture else None
        microphone = capture.granted_audio() if capture else None
        name = microphone.device_id if microphone else ""
        heard = self._heard(peak, name)
        self._microphone = name
        self._known = replace(
            self._known,
            opened=True,
            camera=None if settings.video_device == NO_DEVICE else camera is not None,
            microphone=None if settings.audio_device == NO_DEVICE else microphone is not None,
            heard=heard if microphone is not None else False,
            format_found=has_plan,
            downloads=places.downloads is not None,
            journal=places.store is not None,
            minutes_left=minutes,
            saving=saving,
            directed=settings.room is not None,
        )
        self._draw()

    def _heard(self, peak: float | None, microphone: str) -> bool | None:
        """Whether this microphone was heard since it is there; None where for a while nobody could measure it."""
        if microphone == self._microphone and self._known.heard:
            return True
        if peak is not None or microphone != self._microphone:
            self._measured_ms = self._now_ms()
            return peak is not None and peak >= HEARD_FROM
        return False if self._now_ms() - self._measured_ms < STARTING_MS else None

    def _draw(self) -> None:
        found = readiness(self._known)
        if found == self._drawn:
            return
        self._drawn = found
        document = self._document
        for check in found.checks:
            document.attribute(f"check-{check.name}", "data-state", check.state)
        document.text("heard", self._heard_words())
        document.attribute("readiness", "data-state", found.state)
        document.text("readiness", found.verdict)

    def _heard_words(self) -> str:
        if not self._known.microphone:
            return "no microphone"
        if self._known.heard is None:
            return "this browser gives the page no sound to measure: make a test recording and listen to it"
        return "you are heard" if self._known.heard else "nothing heard yet: say something"
