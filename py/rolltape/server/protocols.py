"""What the server answers before the application is asked: what is no HTTP, or no handshake of a WebSocket.

uvicorn and websockets write these answers themselves; here they have the security headers that all others have.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from rolltape.server.headers import SECURITY_HEADERS

__all__ = ["HttpProtocol", "WebSocketProtocol"]


class HttpProtocol(HttpToolsProtocol):
    """One connection of HTTP/1.1 (RFC 9112), for `uvicorn.Config(http=...)`."""

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read with 400 and this sentence, in ASCII, and close the connection."""
        headers = Headers(SECURITY_HEADERS)
        headers["Content-Type"] = "text/plain; charset=utf-8"
        headers["Connection"] = "close"
        headers["Content-Length"] = str(len(msg))
        self.transport.write(Response(400, "Bad Request", headers, msg.encode("ascii")).serialize())
        self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket (RFC 6455), for `uvicorn.Config(ws=...)`; it compresses nothing."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.conn = _Handshakes(max_size=self.config.ws_max_size, logger=self.conn.logger)


class _Handshakes(ServerProtocol):
    """What is refused before there is a connection has a whole answer."""

    def reject(self, status: StatusLike, text: str) -> Response:
        answer = super().reject(status, text)
        for name, value in SECURITY_HEADERS.items():
            answer.headers[name] = value
        return answer
