"""Why something that has to do with takes is refused: problems with a sentence for guests and directors."""

from __future__ import annotations

import errno

from rolltape.arrivals.problem import Problem, ProblemKind
from rolltape.arrivals.segments import Account
from rolltape.arrivals.wire import MAX_SEGMENT

__all__ = ["Refused", "refused_by_disk"]

KEPT = "The recording on this machine is untouched."


class Refused(Exception):
    """A request that is refused."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem

    @classmethod
    def bad(cls, why: str) -> Refused:
        """Return the refusal of a request that is not as it should be; `why` can stand in a sentence."""
        return cls(Problem(ProblemKind.BAD_REQUEST, 400, f"The request is not right: {why}."))

    @classmethod
    def digest(cls) -> Refused:
        """Return the refusal of bytes that are not those that were sent; the page sends them again."""
        return cls(Problem(ProblemKind.DIGEST, 400, "A piece was bent on its way; it is sent again."))

    @classmethod
    def cut_short(cls) -> Refused:
        """Return the refusal of a body that ended early; the page sends it again."""
        return cls(Problem(ProblemKind.CUT_SHORT, 400, "A piece did not arrive whole; it is sent again."))

    @classmethod
    def token(cls) -> Refused:
        """Return the refusal of a token that has run out, or is none."""
        sentence = f"This page's leave to send has run out: join the room again, and it goes on. {KEPT}"
        return cls(Problem(ProblemKind.TOKEN, 401, sentence))

    @classmethod
    def forbidden(cls, sentence: str) -> Refused:
        """Return the refusal of what this page may not do; `sentence` says why."""
        return cls(Problem(ProblemKind.FORBIDDEN, 403, sentence))

    @classmethod
    def unknown(cls) -> Refused:
        """Return the refusal where nothing is known of what is asked for."""
        return cls(Problem(ProblemKind.UNKNOWN, 404, "The host holds nothing of this recording."))

    @classmethod
    def nothing(cls) -> Refused:
        """Return the refusal to finish what is not there."""
        sentence = "Nothing of this recording that could be played has arrived yet."
        return cls(Problem(ProblemKind.UNKNOWN, 404, sentence))

    @classmethod
    def no_tracks(cls) -> Refused:
        """Return the refusal where there is nothing that tracks could be made of."""
        sentence = "No recording of this session is at the host yet: tracks are made of what has arrived."
        return cls(Problem(ProblemKind.UNKNOWN, 404, sentence))

    @classmethod
    def no_worker(cls) -> Refused:
        """Return the refusal where nobody is there who makes tracks; asking again in a minute may help."""
        sentence = (
            "Nothing is there at the host that makes tracks right now: tell who runs it, or try again later."
        )
        return cls(Problem(ProblemKind.SERVER, 503, sentence, 60))

    @classmethod
    def slow(cls) -> Refused:
        """Return the refusal of a body of which nothing came for too long; the page sends it again."""
        return cls(Problem(ProblemKind.SLOW, 408, "The line stood still; the piece is sent again."))

    @classmethod
    def place(cls, account: Account) -> Refused:
        """Return the refusal of a segment that is put where none can be; `account` says what is held."""
        sentence = "The host holds another stretch of this recording than the page thinks; they compare."
        return cls(Problem(ProblemKind.PLACE, 409, sentence, account=account))

    @classmethod
    def different(cls, account: Account, missing: tuple[tuple[int, int], ...] = ()) -> Refused:
        """Return the refusal where what is here is not what the page has: `account` is held, `missing` is not."""
        sentence = f"Not all of it is at the host as it is here; what differs is sent again. {KEPT}"
        return cls(Problem(ProblemKind.DIFFERENT, 409, sentence, None, account, missing))

    @classmethod
    def complete(cls) -> Refused:
        """Return the refusal of anything more for a recording that is finished."""
        return cls(Problem(ProblemKind.COMPLETE, 409, "The host has finished this recording already."))

    @classmethod
    def fetched(cls) -> Refused:
        """Return the refusal to withdraw what has been fetched."""
        sentence = "The director has fetched this recording already: ask them to delete it."
        return cls(Problem(ProblemKind.FETCHED, 409, sentence))

    @classmethod
    def deleted(cls) -> Refused:
        """Return the refusal where what is asked for was deleted."""
        sentence = f"This recording was deleted at the host, and is not sent any more. {KEPT}"
        return cls(Problem(ProblemKind.DELETED, 410, sentence))

    @classmethod
    def no_length(cls) -> Refused:
        """Return the refusal of a body whose length is not told."""
        return cls(Problem(ProblemKind.NO_LENGTH, 411, "The request does not say how long it is."))

    @classmethod
    def too_large(cls, what: str = f"a piece of more than {MAX_SEGMENT} bytes") -> Refused:
        """Return the refusal of what is larger than any may be; `what` names it."""
        return cls(Problem(ProblemKind.TOO_LARGE, 413, f"The host does not take {what}. {KEPT}"))

    @classmethod
    def encoded(cls) -> Refused:
        """Return the refusal of a compressed body."""
        return cls(Problem(ProblemKind.ENCODED, 415, "The host takes what is sent as it is, not compressed."))

    @classmethod
    def rate(cls, retry_after_s: int = 1) -> Refused:
        """Return the refusal of too much at once; the page asks again after `retry_after_s`."""
        sentence = "The host is sent too much at once; it goes on in a moment."
        return cls(Problem(ProblemKind.RATE, 429, sentence, retry_after_s))

    @classmethod
    def server(cls, sentence: str = "", retry_after_s: int = 10) -> Refused:
        """Return the refusal where something is in the way that may pass; empty: a sentence of its own."""
        said = sentence or f"The host cannot write to its disk at the moment; it is tried again. {KEPT}"
        return cls(Problem(ProblemKind.SERVER, 503, said, retry_after_s))

    @classmethod
    def lost(cls, name: str) -> Refused:
        """The bucket has it no more."""
        sentence = (
            f"The bucket that this host keeps recordings in does not hold {name} any more: it was deleted or changed "
            "there. Its guest's browser may still have it."
        )
        return cls(Problem(ProblemKind.UNKNOWN, 404, sentence))

    @classmethod
    def bucket(cls) -> Refused:
        """The bucket is away."""
        return cls.server(
            "The bucket that this host keeps recordings in does not answer at the moment. Nothing of them is lost: "
            "try again later.",
            30,
        )

    @classmethod
    def no_bucket(cls) -> Refused:
        """The bucket is none of this host's any more."""
        return cls.server(
            "This recording lies in a bucket that the host was not started with: tell who runs it.", 60
        )

    @classmethod
    def proving(cls) -> Refused:
        """Return the refusal while the recording is read through; asking again in a second may help."""
        return cls.server("The host is just comparing this recording with what was sent.", 1)

    @classmethod
    def full(cls, what: str) -> Refused:
        """Return the refusal where there is no room; `what` is a clause that says of what."""
        sentence = f"{what}: tell the director. {KEPT} It waits, and goes on when there is room."
        return cls(Problem(ProblemKind.FULL, 507, sentence, 60))


def refused_by_disk(error: OSError) -> Refused:
    """Return what a page is told of an error of the disk's: that it is gone, or full, or else to try again."""
    if isinstance(error, FileNotFoundError):  # deleted meanwhile
        return Refused.unknown()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused.full("The host's disk is full")
    return Refused.server()
