"""Who may ask: the bearer of the token; without one, programs of this machine and no page in a browser."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from tamis_engine.http.failures import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_TO_ALL = "/health"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Guard:
    """Middleware around everything else."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        if (
            scope["type"] == "http"
            and scope["path"] != OPEN_TO_ALL
            and (refused := self._refusal(Headers(scope=scope)))
        ):
            await refused.response()(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> Refused | None:
        if self._token is not None:
            return None if _bears(headers.get("authorization", ""), self._token) else _UNAUTHORIZED
        # a page may send what it likes to this machine, by our own name or one of its own that leads here
        if "origin" in headers or _host(headers.get("host", "")) not in LOOPBACK:
            return _FORBIDDEN
        return None


_UNAUTHORIZED = Refused(
    401, "Unauthorized", "Send the token of this service: Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"}
)
_FORBIDDEN = Refused(
    403, "Forbidden", "Without a token only programs of this machine are answered, at localhost. Start with a token."
)


def _bears(authorization: str, token: str) -> bool:
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


def _host(header: str) -> str:
    """Without the port."""
    return header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
