"""The files of the web reader, read once at the start: no request names a path on the disk."""

import dataclasses
import gzip
import hashlib
import pathlib

from starlette import requests, responses

_HERE = pathlib.Path(__file__).parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
PAGES = {"/": "reader.html", "/join": "join.html", "/organiser": "organiser.html"}


@dataclasses.dataclass(frozen=True)
class Asset:
    """A file that everybody may have; `packed` is it by gzip."""

    content: bytes
    packed: bytes
    kind: str
    tag: str


def load() -> dict[str, Asset]:
    """Returns assets by the path under which they are asked for."""
    assets = {
        f"/static/{file.relative_to(_HERE / 'static').as_posix()}": _asset(file)
        for file in sorted((_HERE / "static").rglob("*"))
        if file.suffix in _TYPES
    }
    return assets | {path: _asset(_HERE / "templates" / name) for path, name in PAGES.items()}


def respond(asset: Asset, request: requests.Request) -> responses.Response:
    """Returns an asset, or word that the browser has it already."""
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.tag:
        return responses.Response(status_code=304, headers=headers)
    content = asset.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = asset.packed, "gzip"
    return responses.Response(content, headers=headers, media_type=asset.kind)


def _asset(file):
    content = file.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    return Asset(content, gzip.compress(content, 6, mtime=0), _TYPES[file.suffix], tag)
