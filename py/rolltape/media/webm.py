"""A recording on its way to the sinks: our header in front, sizes as they are known, seekable at its end.

    stream = WebmStream("Rolltape 0.1.0")
    for chunk in chunks:                     # as MediaRecorder delivers them
        write(stream.feed(chunk))            # b"" until the header is whole; later the chunk itself
        for patch in stream.patches():       # sizes of clusters that are over (only for a seekable sink)
            write_at(patch.offset, patch.data)
    finalise(stream.finish())                # the order is: truncate_to, append, patches

Recovery of a torn file that begins with our header is the same end over the same index. The caller
reads the file in slices of any size, and may do other things between them:

    index = Index()
    for offset in range(0, size, 1 << 20):
        index.feed(await read(offset, 1 << 20))
    finalise(finish(index))
"""

from __future__ import annotations

from rolltape.media.ending import Ending, Patch
from rolltape.media.webm_header import WebmError, header_length, rewrite_header
from rolltape.media.webm_index import Index

__all__ = ["Index", "WebmError", "WebmStream", "finish"]


class WebmStream:
    """Turns what a MediaRecorder delivers into the file's bytes, and keeps the index of that file."""

    def __init__(self, writing_app: str) -> None:
        self.index = Index()
        """The index of what was given out."""
        self._writing_app = writing_app
        self._held = b""
        self._flowing = False
        self._problem: WebmError | None = None

    @property
    def held(self) -> bytes:
        """What was fed but not given out yet: to be written untouched when `feed` has raised.

        The chunk at which it raised is in it, chunks of later calls are not.
        """
        return self._held

    @property
    def problem(self) -> WebmError | None:
        """Why this is no WebM, or why the index stopped in the midst of it; None while all is well."""
        return self._problem

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk; returns the bytes to write for it: nothing until the header is whole, later the very chunk.

        Raises WebmError, only as long as nothing was given out, when this is no WebM (an MP4, say): then
        write `held`, and all later chunks, as they are. Once bytes flow nothing stops them: if the
        index cannot go on, `problem` says so, and the file stays without a patch.
        """
        if not self._flowing:
            chunk = self._begin(chunk)
        if chunk and not self._problem:
            try:
                self.index.feed(chunk)
            except WebmError as error:
                self._problem = error
        return chunk

    def patches(self) -> list[Patch]:
        """Return patches due since the last call: the sizes of clusters that have ended. Each is returned once."""
        return self.index.drain()

    def finish(self, tags: bytes = b"") -> Ending:
        """Return what makes the file seekable; before the header was whole: what was held, as it came."""
        if not self._flowing:
            return Ending(None, self._held, ())
        return finish(self.index, tags)

    def _begin(self, chunk: bytes) -> bytes:
        """Hold the chunk back, until the first Cluster shows that the header is whole."""
        if self._problem:
            raise self._problem
        self._held += chunk
        try:
            length = header_length(self._held)
            if length is None:
                return b""
            header = rewrite_header(self._held[:length], self._writing_app)
        except WebmError as error:
            self._problem = error
            raise
        chunk, self._held = header + self._held[length:], b""
        self._flowing = True
        return chunk


def finish(index: Index, tags: bytes = b"") -> Ending:
    """Return what makes the file seekable that `index` was fed with. Never raises; nothing is fed to it afterwards.

    `tags`, a Tags element, are put behind the clusters, unless there are some already.

    That is nothing, if it is seekable, or has no media, or is two recordings in one: players find the second by what
    stands between them.

    A Segment of known size must not hold a Cluster of unknown size, so where one cannot be closed the
    Segment stays open too.
    """
    index.end_reading()
    layout = index.layout
    if layout.segment is None or not layout.clusters or index.error or index.finished or index.runs > 1:
        return Ending(None, b"", ())
    clusters = index.close()
    cues = index.key_frames.cues()
    before = layout.tags if layout.tags < index.end else 0
    append = cues if before else tags + cues
    tags_at = before or (index.end if tags else 0)
    cues_at = index.end + len(append) - len(cues) if cues else 0
    return Ending(
        truncate_to=index.end if index.end < index.size else None,
        append=append,
        patches=(*clusters, *_header(index, len(append), cues_at, tags_at)),
        patches_alone=(*clusters, *_header(index, 0, 0, before)),
        end=index.end,
    )


def _header(index: Index, appended: int, cues_at: int, tags_at: int) -> list[Patch]:
    """What the header of a file says that so many bytes are appended to; where Cues and Tags are, 0 for none."""
    layout, end = index.layout, index.end + appended
    assert layout.segment is not None
    closed = not index.open_ended and layout.segment.holds(end)
    patches = (
        layout.seek_patch(cues_at, tags_at),
        layout.duration_patch(index.duration_ticks),
        layout.segment.patch(end if closed else None),
    )
    return [patch for patch in patches if patch]
