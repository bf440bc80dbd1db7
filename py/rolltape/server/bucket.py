"""A bucket at S3, Google Cloud Storage or Azure, or what speaks like one: objects by their keys, through obstore.

obstore (`rolltape[buckets]`) is loaded only where a bucket is opened. Credentials come from the environment as it
reads them (`AWS_…`, `GOOGLE_…`, `AZURE_…`); nothing that is said here has any of them, nor an address's query.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["CREDENTIALS", "PART_BYTES", "Bucket", "BucketTrouble", "is_bucket", "leave", "part_bytes"]

CREDENTIALS = ("AWS_", "GOOGLE_", "AZURE_", "IDENTITY_", "MSI_")
"""How the names of variables begin that credentials are read from."""
PART_BYTES = 8 << 20
"""Bytes of each part of a larger object but the last: all equal, as some stores want them."""
MOST_PARTS = 10_000
"""S3 takes no more of one object."""
PARTS_AT_ONCE = 2
SLICE = 1 << 20
CONNECT_S, SILENT_S = 5, 120
"""Seconds to wait for a connection, and for a word of an answer: as long as a part takes on a slow line."""
TRIES_S = 20
_URL = re.compile(r"(s3|gs|az)://[a-zA-Z0-9][\w.-]*(/[\w./-]*)?", re.ASCII)
_REFUSED = re.compile(r"status code: 40[13]\b|AccessDenied")
_QUERY = re.compile(r"\?\S*")
_NO_CREDENTIALS = ("169.254.169.254", "metadata.google.internal")
"""Where credentials are looked for on machines of the store's own, once the environment has none."""


def is_bucket(text: str) -> bool:
    """True for the address of a bucket, with a prefix in it where objects are to have one.

    >>> is_bucket("s3://takes/studio"), is_bucket("/srv/takes"), is_bucket("s3://key:secret@takes")
    (True, False, False)
    """
    return _URL.fullmatch(text) is not None


def part_bytes(size: int) -> int:
    """Return how large the parts are of an object of this size.

    >>> part_bytes(100_000_000) == PART_BYTES, part_bytes(100_000_000_000) == 10 << 20
    (True, True)
    """
    mebibytes = -(-size // (MOST_PARTS << 20))
    return max(PART_BYTES, mebibytes << 20)


def leave(status: int) -> NoReturn:
    """End a process that has used a bucket, once all else has ended.

    obstore's threads may still want Python's lock for a moment. Before version 3.14 a thread that asks for it while
    the interpreter is being taken down is ended within Rust, which aborts the whole process.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class BucketTrouble(Exception):
    """The bucket does not do what it is asked; a sentence without secrets."""

    def __init__(self, sentence: str, is_lasting: bool = False) -> None:
        super().__init__(sentence)
        self.is_lasting = is_lasting
        """True if somebody has to change something before it can work."""


class Bucket:
    """Objects in a bucket, by key. All methods raise BucketTrouble; what waits can be cancelled."""

    def __init__(self, url: str, store: ObjectStore) -> None:
        self.url = url
        self._store = store

    @classmethod
    def open(cls, url: str, environment: Mapping[str, str] = os.environ) -> Bucket:
        """Return the bucket at this address (`is_bucket`); nothing is asked of it yet. Raises BucketTrouble."""
        try:
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ModuleNotFoundError:
            sentence = f"{url} needs obstore, which pip installs with rolltape[buckets]."
            raise BucketTrouble(sentence, is_lasting=True) from None
        endpoints = (value for name, value in environment.items() if "ENDPOINT" in name)
        try:
            store = from_url(
                url,
                client_options={
                    "allow_http": any(one.startswith("http://") for one in endpoints),
                    "connect_timeout": timedelta(seconds=CONNECT_S),
                    "read_timeout": timedelta(seconds=SILENT_S),
                    "timeout": timedelta(days=7),  # of a download, which may take as long as it takes
                },
                retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=TRIES_S)},
            )
        except (BaseError, ValueError) as error:
            raise BucketTrouble(f"{url} cannot be used as a bucket: {_said(error)}.", True) from None
        return cls(url, store)

    async def check(self) -> None:
        """Look whether objects can be written, read and deleted: by doing so."""
        key, content = f".rolltape-check-{secrets.token_hex(8)}", b"May be deleted."
        await self.put(key, content, len(content))
        read = b"".join([piece async for piece in self.read(key, 0, len(content))])
        await self.delete(key)
        if read != content:
            raise BucketTrouble(f"The bucket {self.url} gives back other bytes than were put into it.")

    async def put(
        self, key: str, content: bytes | AsyncIterator[bytes], size: int, media_type: str = ""
    ) -> None:
        """Put an object of `size` bytes, in the place of one of its key; it is there whole, or not at all.

        Where `content` raises, that is raised, and nothing is left there. Whoever cancels this, or dies, may leave
        parts there that no listing shows.
        """
        import obstore

        attributes = {"Content-Type": media_type or "application/octet-stream"}
        try:
            await obstore.put_async(
                self._store,
                key,
                content,
                attributes=attributes,
                chunk_size=part_bytes(size),
                max_concurrency=PARTS_AT_ONCE,
            )
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._trouble(error) from None

    async def size(self, key: str) -> int | None:
        """Return an object's size in bytes; None if there is none."""
        import obstore

        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            return None
        except obstore.exceptions.BaseError as error:
            raise self._trouble(error) from None

    async def read(self, key: str, start: int, end: int) -> AsyncGenerator[bytes]:
        """Yield an object's bytes from `start` to `end`, in slices."""
        import obstore

        if start == end:
            return
        there = 0
        try:
            found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            async for piece in found.stream(min_chunk_size=SLICE):
                there += len(piece)
                yield bytes(piece)
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._trouble(error) from None
        if there != end - start:
            raise BucketTrouble(f"An object in {self.url} is shorter than it was.")

    async def delete(self, key: str) -> None:
        """Delete an object; it is no error if there is none."""
        import obstore

        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except obstore.exceptions.BaseError as error:
            raise self._trouble(error) from None

    def _trouble(self, error: Exception) -> BucketTrouble:
        kind, said = type(error).__name__, _said(error)
        if any(place in said for place in _NO_CREDENTIALS):
            return BucketTrouble(
                f"There are no credentials for the bucket {self.url} in the environment (docs/hosting.md, A bucket).",
                is_lasting=True,
            )
        if kind in ("PermissionDeniedError", "UnauthenticatedError") or _REFUSED.search(str(error)):
            return BucketTrouble(
                f"The bucket {self.url} refuses this host: look whether the credentials in its environment are "
                "right, and may write, read and delete there.",
                is_lasting=True,
            )
        if isinstance(error, FileNotFoundError):
            return BucketTrouble(f"The bucket {self.url} is not there, or has no such object.", True)
        return BucketTrouble(f"The bucket {self.url} does not answer as it should: {said}.")


def _said(error: Exception) -> str:
    """What an error says, without what it quotes of answers and addresses' queries: there may be secrets in these."""
    first = str(error).partition("\n")[0].partition(": <")[0]
    return _QUERY.sub("", first)[:300].strip().rstrip(".:")
