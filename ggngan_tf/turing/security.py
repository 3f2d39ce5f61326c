"""Guards around the web reader: headers, origins, sizes and rates."""

import time
import urllib.parse
from collections.abc import Callable

from starlette import datastructures, responses, types

MAX_BODY = 16_384  # bytes; the longest remark fits four times
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
}


class Limiter:
    """Lets each name through `burst` times at once, and then `rate` times a second."""

    def __init__(self, burst: int, rate: float, clock: Callable[[], float] = time.monotonic):
        self.burst, self.rate, self.clock = burst, rate, clock
        self.buckets: dict[str, tuple[float, float]] = {}

    def allows(self, name: str, cost: int = 1) -> bool:
        """Tells whether `name` may pass, and takes `cost` from what is left; 0 only asks."""
        now = self.clock()
        left, since = self.buckets.get(name, (float(self.burst), now))
        left = min(self.burst, left + (now - since) * self.rate)
        if len(self.buckets) > 10_000:
            self._forget(now)
        self.buckets[name] = (left - cost if left >= 1 else left, now)
        return left >= 1

    def _forget(self, now):
        """Drops names whose bucket is full again: they are as good as unknown."""
        full = [
            n for n, (left, t) in self.buckets.items() if left + (now - t) * self.rate >= self.burst
        ]
        for name in full:
            del self.buckets[name]


class Guard:
    """ASGI middleware: refuses foreign hosts and origins and large bodies, and sets headers."""

    def __init__(self, app: types.ASGIApp, hosts: frozenset[str], https: bool):
        self.app, self.hosts = app, hosts
        headers = dict(_HEADERS)
        if https:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        self.headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: types.Message) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message["headers"], *self.headers]}
            await send(message)

        reason = self._refusal(scope)
        if reason is not None:
            code, text = reason
            refusal = responses.JSONResponse({"error": text}, code)
            await refusal(scope, receive, guarded)
            return
        await self.app(scope, receive, guarded)

    def _refusal(self, scope):
        headers = datastructures.Headers(scope=scope)
        host = headers.get("host", "")
        # A page of another site may make its name point here (DNS rebinding).
        if urllib.parse.urlsplit(f"//{host}").hostname not in self.hosts:
            return 400, "This host name is not served here."
        if scope["method"] in ("GET", "HEAD"):
            return None
        origin = headers.get("origin")
        if origin is not None and urllib.parse.urlsplit(origin).netloc != host:
            return 403, "This request comes from another site."
        length = headers.get("content-length", "")
        if not length.isdigit() and headers.get("transfer-encoding") is not None:
            return 411, "The length is missing."
        if length.isdigit() and int(length) > MAX_BODY:
            return 413, "The request is too large."
        return None
