"""`rolltape serve`: reads the options, opens a room, prints its links, serves until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import secrets
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from rolltape.room.host_key import hosted_key
from rolltape.server import log as logs
from rolltape.server.app import create_app
from rolltape.server.bucket import leave
from rolltape.server.hosting import Hosting, host_key_of
from rolltape.server.hosts import Hosts
from rolltape.server.limits import Limits
from rolltape.server.protocols import HttpProtocol, WebSocketProtocol
from rolltape.server.rooms import MAX_FRAME, Rooms, RoomsOptions
from rolltape.server.secret import BadSecret, default_file, given_secret, load_secret, new_signing_secret
from rolltape.server.store import RoomStore, StoreGone
from rolltape.server.takes_options import (
    CannotKeep,
    add_takes_arguments,
    bucket_of,
    folder_of,
    keeper,
    track_workers,
)
from rolltape.server.tokens import Tokens
from rolltape.server.turn import Ice
from rolltape.settings.fragment import Secrets, write_fragment

if TYPE_CHECKING:
    from rolltape.server.bucket import Bucket
    from rolltape.server.takes import Takes
    from rolltape.server.takes_store import TakesStore

__all__ = ["CannotServe", "add_arguments", "serve"]

UNREAD_MS = 60_000
"""For how long a network connection lasts whose other end takes nothing (Linux: TCP_USER_TIMEOUT)."""
LEAVE_S = 3
"""For how long a server that is told to stop waits for what is being answered."""
COLLECT_AFTER = (200_000, 1, 1)
"""How many new objects make Python look for cycles among the newest, how many such looks one among more, and all."""
PAGE = Path(__file__).resolve().parent.parent / "www"
"""The page as it comes with this package; in a checkout, once `make page` has put it there."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")

log = logging.getLogger(__name__)


class CannotServe(Exception):
    """The options do not fit together, or something needed is not there; a sentence."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rolltape serve` to a parser."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    parser.add_argument(
        "--root", type=Path, default=PAGE, metavar="FOLDER", help="another page's folder, with index.html"
    )
    parser.add_argument("--cert", help="serve over HTTPS with this certificate (PEM)")
    parser.add_argument("--key", help="the certificate's key (PEM)")
    parser.add_argument(
        "--redis", default="", metavar="URL", help="share rooms with other processes over this Redis"
    )
    parser.add_argument(
        "--secret-file",
        type=Path,
        help=f"the secret that signs links, made at the first start (default: {default_file()}; "
        "with --redis it is kept there; ROLLTAPE_SECRET in the environment comes before both)",
    )
    parser.add_argument(
        "--stun-url", action="append", default=[], metavar="URL", help="such as stun:HOST:3478"
    )
    parser.add_argument(
        "--turn-url", action="append", default=[], metavar="URL", help="such as turn:HOST:3478"
    )
    parser.add_argument(
        "--turn-secret-file", type=Path, metavar="FILE", help="coturn's static-auth-secret, in a file"
    )
    parser.add_argument(
        "--trust-proxy",
        action="store_true",
        help="a proxy on this machine says who asks (X-Forwarded-For, X-Forwarded-Proto)",
    )
    parser.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that the server goes by, beside localhost, the name in --host and addresses; "
        "*.example.org: all names below it",
    )
    parser.add_argument(
        "--metrics-token-file",
        type=Path,
        metavar="FILE",
        help="answer /metrics to who has the token in this file, which is made at the first start",
    )
    parser.add_argument(
        "--connections-per-address",
        type=int,
        default=200,
        metavar="N",
        help="at a time (default: %(default)s)",
    )
    add_takes_arguments(parser)


def serve(options: argparse.Namespace) -> int:
    """Serve the page and its rooms; return the exit status, or end the process with it."""
    status = _status(options)
    if isinstance(options.takes, str):
        leave(status)
    return status


def _status(options: argparse.Namespace) -> int:
    logs.write_json_lines()
    try:
        asyncio.run(_serve(options))
    except (CannotServe, BadSecret) as error:
        print(error, file=sys.stderr)
        return 1
    except StoreGone as error:
        print(f"Redis does not answer: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(options: argparse.Namespace) -> None:
    root = options.root.resolve()
    if not (root / "index.html").exists():
        raise CannotServe(
            f"There is no page in {root}: build one with make page, or name its folder with --root."
        )
    if bool(options.cert) is not bool(options.key):
        raise CannotServe("HTTPS needs both --cert and --key.")
    secret, store = await _kept(options)
    kept = _keeper(options)
    hosting = Hosting(host_key_of(secret), _is_for_all(options), kept is not None)
    rooms = Rooms(secret, store, replace(_rooms_options(options), hosting=hosting))
    workers = 0 if kept is None else _workers(options)
    bucket = None if kept is None else await _bucket(options, kept)
    takes = None if kept is None else _takes(kept, secret, rooms, workers, bucket)
    hosts = Hosts([options.host, *options.allowed_host])
    server = uvicorn.Server(_config(options, create_app(root, rooms, hosts, takes)))
    with contextlib.closing(_listener(options.host, options.port)) as listener:
        port = listener.getsockname()[1]
        for line in [
            *await _links(rooms, _address(options, port), hosting),
            *_lent(options, hosting, workers),
        ]:
            print(line, flush=True)
        _collect_rarely()
        log.info("Serving.", extra={"port": port, "redis": bool(options.redis)})
        await server.serve([listener])


async def _kept(options: argparse.Namespace) -> tuple[bytes, RoomStore | None]:
    """The secret, and the store that all processes share (None: there is one process)."""
    given = given_secret()
    if not options.redis:
        return given or load_secret(options.secret_file or default_file()), None
    try:
        from rolltape.server.redis_store import RedisStore
    except ModuleNotFoundError as missing:
        raise CannotServe(
            f"--redis needs {missing.name}, which pip installs with rolltape's wheel."
        ) from None
    try:
        store = RedisStore(options.redis)
    except ValueError as error:
        raise CannotServe(f"--redis is not an address of Redis: {error}") from None
    if options.secret_file and not given:
        given = load_secret(options.secret_file)
    return given or await store.signing_secret(new_signing_secret()), store


def _rooms_options(options: argparse.Namespace) -> RoomsOptions:
    if bool(options.turn_url) is not bool(options.turn_secret_file):
        raise CannotServe("TURN needs both --turn-url and --turn-secret-file.")
    try:
        turn_secret = options.turn_secret_file.read_bytes().strip() if options.turn_secret_file else b""
    except OSError as error:
        raise CannotServe(f"{options.turn_secret_file} cannot be read: {error.strerror}.") from None
    return RoomsOptions(
        Limits.for_addresses(options.connections_per_address),
        Ice(tuple(options.stun_url), tuple(options.turn_url), turn_secret),
        _metrics_token(options),
        options.redis,
    )


def _metrics_token(options: argparse.Namespace) -> bytes:
    return load_secret(options.metrics_token_file) if options.metrics_token_file else b""


def _config(options: argparse.Namespace, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HttpProtocol,
        ws=WebSocketProtocol,
        log_config=None,  # ours is set up
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=options.trust_proxy,
        forwarded_allow_ips=["127.0.0.1", "::1"],
        ws_max_size=MAX_FRAME,
        ws_ping_interval=None,  # pages are asked by a message of ours, which the page itself answers
        ws_per_message_deflate=False,  # small messages; it would cost each connection 40 kB
        ssl_certfile=options.cert,
        ssl_keyfile=options.key,
        timeout_graceful_shutdown=LEAVE_S,
    )


def _collect_rarely() -> None:
    """Look for cycles of objects, such as connections leave behind, seldom.

    A look takes as long as there are objects: a tenth of a second and more with a thousand connections, in which
    nobody hears anything. By Python's own numbers one was due every three seconds.
    """
    gc.collect()
    gc.freeze()  # what is there before the first connection stays
    gc.set_threshold(*COLLECT_AFTER)


def _listener(host: str, port: int) -> socket.socket:
    """The socket to listen on. Raises CannotServe."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotServe(f"Nothing can listen on {host}, port {port}: {error.strerror}.") from None
    # Else every second small message waits until the first one's arrival is confirmed, 40 ms and more: asyncio sets
    # this only for sockets that were made by the number of TCP's protocol.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)
    return listener


async def _links(rooms: Rooms, address: str, hosting: Hosting) -> list[str]:
    """A room that nobody has been in, for whoever has started the server."""
    room = f"studio-{secrets.token_hex(3)}"
    key = hosted_key(hosting.host_key, room)
    invite = await rooms.open_room(room, key)
    return [
        f"Guest:    {address}?room={room}&record=6000{write_fragment(Secrets(invite=invite))}",
        f"Director: {address}?director={room}{write_fragment(Secrets(key=key))}",
        f"Home:     {address}",
    ]


def _keeper(options: argparse.Namespace) -> TakesStore | None:
    """Where takes are kept; None where none are to be, or can be and nobody has asked for it. Raises CannotServe."""
    try:
        return keeper(options)
    except CannotKeep as error:
        if options.takes or options.takes_spool:
            raise CannotServe(str(error)) from None
        log.warning("No recordings are kept.", extra={"why": str(error)})
        return None


async def _bucket(options: argparse.Namespace, kept: TakesStore) -> Bucket | None:
    try:
        return await bucket_of(options, kept)
    except CannotKeep as error:
        raise CannotServe(str(error)) from None


def _workers(options: argparse.Namespace) -> int:
    try:
        return track_workers(options)
    except CannotKeep as error:
        raise CannotServe(str(error)) from None


def _takes(kept: TakesStore, secret: bytes, rooms: Rooms, workers: int, bucket: Bucket | None) -> Takes:
    from rolltape.server.takes import Takes  # not where there are no file locks

    return Takes(kept, Tokens(secret), rooms=rooms, track_workers=workers, bucket=bucket)


def _is_for_all(options: argparse.Namespace) -> bool:
    """True if every room may use what the host has: its host says so, or nobody else reaches this server."""
    is_alone = options.host in LOOPBACK and not options.trust_proxy and not options.allowed_host
    return bool(options.takes_for_all) or is_alone


def _lent(options: argparse.Namespace, hosting: Hosting, workers: int) -> list[str]:
    """What whoever has started the server is told of takes: where they are, of whom, and what is made of them."""
    if not hosting.keeps_takes and not options.turn_url:
        return []
    lines = [f"Takes:    {_kept_in(options)}"] if hosting.keeps_takes else []
    if hosting.keeps_takes and not workers and options.track_workers is None:
        lines.append("Tracks:   none are made here: pip install 'rolltape[tracks]' (docs/tracks.md)")
    return lines if hosting.for_all else [*lines, f"Host key: {hosting.host_key}"]


def _kept_in(options: argparse.Namespace) -> str:
    """Where recordings are kept, and where they arrive if that is another place."""
    folder = folder_of(options)
    return f"{options.takes}, by way of {folder}" if isinstance(options.takes, str) else str(folder)


def _address(options: argparse.Namespace, port: int) -> str:
    host = "localhost" if options.host in (*LOOPBACK, "0.0.0.0", "::") else options.host
    scheme, usual = ("https", 443) if options.cert else ("http", 80)
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}/" if port == usual else f"{scheme}://{shown}:{port}/"
