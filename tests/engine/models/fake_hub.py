"""A hub on this machine: repositories in memory, the real protocol, and knobs for what goes wrong."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".pt")
INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(/revision/(?P<revision>.+))?")
TREE = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)")
FILE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data)).hexdigest()


@dataclass
class Repository:
    """`drops_after` bytes of a large file the connection breaks, once; `sends` goes out instead of what is listed, and
    what is `lost` is not there."""

    files: dict[str, bytes]
    commit: str = "c" * 40
    gated: bool = False
    drops_after: int = 0
    sends: dict[str, bytes] = field(default_factory=dict[str, bytes])
    lost: tuple[str, ...] = ()


@dataclass
class FakeHub:
    url: str
    repositories: dict[str, Repository] = field(default_factory=dict[str, Repository])
    asked: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Method, path, range."""
    tokens: list[str] = field(default_factory=list[str])
    status: int = 200
    """Of all answers, where something is wrong with the whole hub."""

    def fetched(self) -> list[str]:
        return [path.rpartition("/")[2] for method, path, _ in self.asked if method == "GET" and "/resolve/" in path]


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = FakeHub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.hub  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> FakeHub:
        return self.server.hub  # type: ignore[attr-defined]

    def log_message(self, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append((self.command, path, self.headers.get("Range", "")))
        self.hub.tokens.append(self.headers.get("Authorization", ""))
        for pattern, reply in ((TREE, self.tree), (INFO, self.info), (FILE, self.file)):
            if found := pattern.fullmatch(path):
                return self.about(found, reply)
        return self.send_json({"error": "no such path"}, 404)

    def about(self, found: re.Match[str], reply: Any) -> None:
        repository = self.hub.repositories.get(found["repo"])
        if self.hub.status != 200:
            return self.send_json({"error": "no"}, self.hub.status)
        if repository is None:
            return self.send_json({"error": "Repository not found"}, 401, "RepoNotFound")
        if found["revision"] not in (None, "main", repository.commit):
            return self.send_json({"error": "Invalid rev"}, 404, "RevisionNotFound")
        if repository.gated and reply == self.file and not self.headers.get("Authorization"):
            return self.send_json({"error": "Access is restricted"}, 403, "GatedRepo")
        return reply(repository, found)

    def info(self, repository: Repository, found: re.Match[str]) -> None:
        siblings = [
            {
                "rfilename": path,
                "size": len(data),
                "blobId": git_hash(data),
                **(
                    {"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 1}}
                    if path.endswith(LARGE)
                    else {}
                ),
            }
            for path, data in repository.files.items()
        ]
        name = found["repo"]
        self.send_json({"id": name, "modelId": name, "sha": repository.commit, "siblings": siblings})

    def tree(self, repository: Repository, _: re.Match[str]) -> None:
        self.send_json(
            [
                {"type": "file", "path": path, "size": len(data), "oid": git_hash(data)}
                for path, data in repository.files.items()
            ]
        )

    def file(self, repository: Repository, found: re.Match[str]) -> None:
        path = found["path"]
        if path not in repository.files or path in repository.lost:
            return self.send_json({"error": "Entry not found"}, 404, "EntryNotFound")
        data = repository.sends.get(path, repository.files[path])
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", repository.commit)
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self.send_body(repository, path, data[start:])
        return None

    def send_body(self, repository: Repository, path: str, data: bytes) -> None:
        if repository.drops_after and path.endswith(LARGE):
            data, repository.drops_after = data[: repository.drops_after], 0
            self.close_connection = True
        self.wfile.write(data)

    def send_json(self, value: object, status: int = 200, error: str = "") -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        if error:
            self.send_header("X-Error-Code", error)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)
