"""Short tones that call a director to the page."""

from __future__ import annotations

from js import AudioContext

LENGTH_S = 0.18
LOUDNESS = 0.15


def beep(hertz: float) -> None:
    """Sound one tone; nothing is heard until somebody has pressed something on the page."""
    context = AudioContext.new()
    tone = context.createOscillator()
    gain = context.createGain()
    gain.gain.value = LOUDNESS
    tone.frequency.value = hertz
    tone.connect(gain).connect(context.destination)
    tone.start()
    tone.stop(context.currentTime + LENGTH_S)
