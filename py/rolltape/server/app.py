"""The ASGI application: the page, its static files, their types, compression and headers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rolltape.server.headers import SECURITY_HEADERS, cache_control
from rolltape.server.hosts import Hosts, OwnHosts
from rolltape.server.rooms import Rooms

if TYPE_CHECKING:
    from rolltape.server.takes import Takes

# Set here, not taken from the machine's table of types, which differs from one system to the next.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".zip": "application/zip",
}

PAGE = "index.html"
# What the page consists of, beside the folder `static`. All else in the folder stays unserved.
ROOT_FILES = (PAGE, "sw.js")


class SecurityHeaders:
    """Around the whole application: adds the security headers to every answer, also to its own errors'."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the headers when the answer starts."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)  # a download says more strictly what it may
            await send(message)

        await self.app(scope, receive, send_with_headers)


def accepts_brotli(headers: Headers) -> bool:
    """True if the request accepts brotli (RFC 9110 section 12.5.3; `br;q=0` refuses it)."""
    offers = (offer.partition(";") for offer in headers.get("accept-encoding", "").lower().split(","))
    return any(
        name.strip() == "br" and "q=0" not in rest.replace(" ", "").split(";") for name, _, rest in offers
    )


class PageVersion:
    """The version of the page in the folder `root`: a name for the content of all its files together.

    A page that a browser has a copy of asks for it alone, and for nothing else while it is the same (`sw.js`).
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._seen: list[tuple[str, int, int]] = []
        self._name = ""

    def name(self) -> str | None:
        """Return the page's version at this moment; None while files are missing, since another is being put up."""
        try:
            return self._named()
        except FileNotFoundError:
            return None

    def _named(self) -> str:
        static = self._root / "static"
        # The manifest holds the hash of all that was built.
        paths = [*(self._root / name for name in ROOT_FILES), static / "vendor" / "manifest.json"]
        paths += sorted(path for path in static.iterdir() if path.is_file())
        facts = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in paths]
        if facts != self._seen:
            files = b"".join(sha256(path.read_bytes()).digest() for path in paths)
            self._seen, self._name = facts, sha256(files).hexdigest()[:16]
        return self._name


class PageFiles(StaticFiles):
    """Static files with our types and caching, their brotli copies where the browser accepts them."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
        version: str | None = None,
    ) -> Response:
        """Answer with the file at `full_path`, or with its copy `full_path + ".br"`; name the page's version."""
        path = Path(full_path)
        headers = {"Vary": "Accept-Encoding"}
        copy = path.with_name(path.name + ".br")
        if accepts_brotli(Headers(scope=scope)) and copy.exists():
            headers["Content-Encoding"] = "br"
            full_path, stat_result = copy, copy.stat()
        response = FileResponse(
            full_path,
            status_code,
            headers=headers,
            media_type=MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
            stat_result=stat_result,
        )
        root = Path(str(self.directory)).parent
        response.headers["Cache-Control"] = cache_control(path.relative_to(root).as_posix())
        if version is not None:
            # In the entity tag too: 304 would leave a browser with the header of an older version.
            response.headers["Rolltape-Version"] = version
            response.headers["ETag"] = f'"{version}"'
        if self.is_not_modified(response.headers, Headers(scope=scope)):
            return NotModifiedResponse(response.headers)
        return response


def create_app(
    root: Path, rooms: Rooms | None = None, hosts: Hosts | None = None, takes: Takes | None = None
) -> ASGIApp:
    """Make the application that serves the page in the folder `root` (with `index.html` and `static/`), and rooms.

    `hosts` are the names that it answers to; None: to every name. `takes` keeps what guests send; None: nothing is.
    """
    files = PageFiles(directory=root / "static")
    version = PageVersion(root)

    async def root_file(request: Request) -> Response:
        name = request.path_params.get("name") or PAGE
        if name not in ROOT_FILES:
            raise HTTPException(404)
        path = root / name
        named = version.name() if name == PAGE else None
        return files.file_response(path, path.stat(), request.scope, version=named)

    async def healthz(request: Request) -> Response:
        broken = [] if rooms is None else rooms.broken
        text = f"broke off and was begun again: {', '.join(broken)}" if broken else "ok"
        return PlainTextResponse(f"{text}\n", 503 if broken else 200, headers={"Cache-Control": "no-store"})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if rooms is not None:
            await rooms.start()
        if takes is not None:
            await takes.start()
        yield
        if takes is not None:
            await takes.close()
        if rooms is not None:
            await rooms.close()

    for_rooms: list[BaseRoute] = (
        [
            Route("/api/join", rooms.join, methods=["POST"]),
            Route("/metrics", rooms.metrics),
            WebSocketRoute("/api/room", rooms),
        ]
        if rooms is not None
        else []
    )
    app: ASGIApp = Starlette(
        routes=[
            Route("/", root_file),
            Route("/healthz", healthz),
            *for_rooms,
            *(takes.routes if takes is not None else []),
            Mount("/static", files),
            Route("/{name}", root_file),
        ],
        lifespan=lifespan,
    )
    return SecurityHeaders(app if hosts is None else OwnHosts(app, hosts))
