"""A real HTTP server on this machine, as good or as bad as a test wants it."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Web:
    """What the server serves and how; a test may change it between two requests.

    Attributes:
        files: contents by path.
        ranges: whether it can send a part of a file.
        if_range: whether it minds `If-Range`.
        etag: the version that it states, or none.
        lengths: whether it says how long a file is.
        cuts: after how many bytes to break off, for one answer after the other.
        asked: path and headers of every request so far.
    """

    root: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    if_range: bool = True
    etag: str | None = '"one"'
    lengths: bool = True
    status: int | None = None
    cuts: list[int] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def ranges_asked(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.asked]


class Answer(BaseHTTPRequestHandler):
    """One request."""

    web: Web

    def do_GET(self) -> None:
        web, headers = self.web, dict(self.headers)
        web.asked.append((self.path, headers))
        content = web.files.get(self.path.lstrip("/"))
        if content is None or web.status:
            self.send_error(web.status or 404)
            return
        start = self.start_of_range(headers)
        if start and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.end_headers()
            return
        self.send_response(206 if start is not None else 200)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        body = content[start or 0 :]
        if web.lengths:
            self.send_header("Content-Length", str(len(body)))
        if web.etag:
            self.send_header("ETag", web.etag)
        self.end_headers()
        self.wfile.write(body[: web.cuts.pop(0)] if web.cuts else body)

    def start_of_range(self, headers: dict[str, str]) -> int | None:
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
        if not asked or not self.web.ranges:
            return None
        if self.web.if_range and headers.get("If-Range", self.web.etag) != self.web.etag:
            return None
        return int(asked[1])

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def web() -> Iterator[Web]:
    """Start a server; stop it after the test."""
    web = Web()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Answer,), {"web": web}))
    web.root = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield web
    server.shutdown()
    server.server_close()
    thread.join()
