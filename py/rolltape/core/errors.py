"""What can go wrong, as sentences for people.

RolltapeError
├── DeviceError            camera or microphone cannot be had
│   ├── PermissionDenied   the person or the browser said no
│   ├── DeviceNotFound     there is none (or none that fits)
│   └── DeviceBusy         another program holds it
├── EngineError            the recorder does not start, or stopped by itself
├── SinkError              a place to write to is not there any more
│   ├── StorageFull        no room is left
│   ├── NotTaken           the browser does not take a download, or has not yet
│   └── StorageLocked      another tab holds the file
├── ConvertError           a file cannot be converted as asked
└── Unsupported            this browser cannot do it
"""

from __future__ import annotations


class RolltapeError(Exception):
    """Base of all: its text is a sentence for people; `detail` is the browser's own word, for the log."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail


class DeviceError(RolltapeError):
    """A camera or microphone cannot be had."""


class PermissionDenied(DeviceError):
    """The person or the browser refused the device."""


class DeviceNotFound(DeviceError):
    """There is no such device."""


class DeviceBusy(DeviceError):
    """Another program holds the device."""


class EngineError(RolltapeError):
    """The recorder does not start, or stopped by itself."""


class SinkError(RolltapeError):
    """A place to write to is not there any more."""


class StorageFull(SinkError):
    """No room is left where the data should go."""


class NotTaken(SinkError):
    """The browser does not take a download, or has not yet: most likely it asks its person something first."""


class StorageLocked(SinkError):
    """Another tab holds the file."""


class ConvertError(RolltapeError):
    """A file cannot be converted as asked."""


class Unsupported(RolltapeError):
    """This browser cannot do it."""
