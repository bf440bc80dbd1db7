"""An audio graph (W3C Web Audio) beside what is recorded: it measures the sound, and gives samples for PCM.

A microphone's own track is what a recorder gets: in Chromium a graph's input has no drift correction, and drops or
fills in a buffer whenever the clocks of microphone and loudspeaker have drifted by one (quirk 22).
"""

from __future__ import annotations

import asyncio
from array import array
from contextlib import suppress

from js import (
    AudioContext,
    AudioNode,
    AudioWorkletNode,
    Float32Array,
    MediaStream,
    MediaStreamTrack,
    performance,
)
from pyodide.ffi import JsException, to_js

from rolltape.browser.interop import changed, translated

__all__ = ["AudioGraph"]

SAMPLE_RATE_HZ = 48_000
RESUME_TIMEOUT_S = 2.0
LOAD_TIMEOUT_S = 5.0
STEP_TIMEOUT_MS = 100.0
"""Buffers of sound devices are of 3 to 46 ms."""
ANALYSER_SAMPLES = 2048
INAUDIBLE = 1e-9
"""-180 dB, zero in any file of integers. Firefox's recorder waits seconds for a sound that is not quite zero."""


class AudioGraph:
    """One AudioContext: source → mix → what measures the sound, and what records it where a browser has no PCM.

    At `sample_rate_hz`, or without it at the rate of the machine's own sound. Its own track is silence while no
    microphone is connected: a silent constant source always is, since Chromium withholds the whole recording while a
    destination has no source (docs/browser-quirks.md, quirk 1).
    """

    def __init__(self, sample_rate_hz: int | None = SAMPLE_RATE_HZ) -> None:
        options = {"sampleRate": sample_rate_hz} if sample_rate_hz else {}
        self._context = AudioContext.new(**options)
        # Two channels whatever the microphone has, as in the WAV file: mono is heard on both sides.
        self._mix = self._context.createGain()
        self._mix.channelCount = 2
        self._mix.channelCountMode = "explicit"
        self._destination = self._context.createMediaStreamDestination()
        self._analyser = self._context.createAnalyser()
        self._analyser.fftSize = ANALYSER_SAMPLES
        self._samples = Float32Array.new(ANALYSER_SAMPLES)
        silence = self._context.createConstantSource()
        for volume, heard_by in ((0, self._mix), (INAUDIBLE, self._destination)):
            gain = self._context.createGain()
            gain.gain.value = volume
            silence.connect(gain).connect(heard_by)
        self._mix.connect(self._destination)
        self._mix.connect(self._analyser)
        silence.start()
        self._silence = silence  # kept, or it may be collected
        self._source: AudioNode | None = None
        self.track: MediaStreamTrack = self._destination.stream.getAudioTracks()[0]

    def connect(self, microphone: MediaStreamTrack | None) -> None:
        """Feed this microphone into the graph instead of the one before; None: silence. It is not stopped by that."""
        if self._source is not None:
            self._source.disconnect()
            self._source = None
        if microphone is not None:
            source = self._context.createMediaStreamSource(MediaStream.new(to_js([microphone])))
            source.connect(self._mix)
            self._source = source

    @property
    def sample_rate_hz(self) -> int:
        """Samples a second of everything in the graph, as the browser chose it."""
        return round(self._context.sampleRate)

    def tap(self, worklet: AudioWorkletNode) -> None:
        """Have this node get all samples; its own output goes nowhere, but connected, it is sure to be run."""
        self._mix.connect(worklet)
        worklet.connect(self._destination)

    async def worklet(self, script: str, name: str) -> AudioWorkletNode:
        """Return a new node of this name, which the script at that address defines.

        Raises RolltapeError where the browser refuses, TimeoutError where the script does not load in LOAD_TIMEOUT_S.
        """
        with translated():
            async with asyncio.timeout(LOAD_TIMEOUT_S):
                await self._context.audioWorklet.addModule(script)
            return AudioWorkletNode.new(self._context, name)

    async def resume(self) -> None:
        """Let the graph run, RESUME_TIMEOUT_S at most; `running` tells whether it does. Never raises.

        A browser may hold it until the first gesture, or for ever (quirk 4).
        """
        if self._context.state != "running":
            await asyncio.wait([asyncio.ensure_future(self._resumed())], timeout=RESUME_TIMEOUT_S)

    async def _resumed(self) -> None:
        with suppress(JsException):  # the context was closed meanwhile; `running` tells
            await self._context.resume()

    @property
    def running(self) -> bool:
        """True if sound flows."""
        return self._context.state == "running"

    def peak(self) -> float | None:
        """The highest sample of the last 43 ms, 0 to 1 and above when clipped; None while it does not run.

        A graph that stands gives zeros, whatever the microphone gives.
        """
        if not self.running:
            return None
        self._analyser.getFloatTimeDomainData(self._samples)
        samples = array("f", self._samples.to_bytes())
        return max(max(samples), -min(samples))

    async def buffer_given(self) -> None:
        """Wait until its time has just stepped on, STEP_TIMEOUT_MS at most; return at once while it stands."""
        if self.running:
            await changed(lambda: self._context.currentTime, STEP_TIMEOUT_MS)

    def time_ms(self) -> tuple[float, float] | None:
        """The graph's time in ms, in steps of one of its buffers, and the page's time now; None while it stands.

        By `currentTime`; `getOutputTimestamp` and `outputLatency` may stop Firefox for good (quirk 24).
        """
        if not self.running:
            return None
        return self._context.currentTime * 1000, performance.now()

    async def close(self) -> None:
        """Release the graph; its track ends. Closing it twice is fine."""
        self.connect(None)
        if self._context.state != "closed":
            await self._context.close()
