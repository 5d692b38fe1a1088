"""A stand-in for the Hugging Face hub: the part of its HTTP that its client speaks when fetching and pushing models."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_stand_in"


@dataclass
class Repository:
    """Commits by branch; a commit is its files' contents by name."""

    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: dict[str, bytes], branch: str = "main") -> str:
        known = self.commits.get(self.branches.get(branch, ""), {})
        content = {**known, **files}
        identity = hashlib.sha1(repr((branch, len(self.commits), sorted(content))).encode()).hexdigest()
        self.commits[identity] = content
        self.branches[branch] = identity
        return identity

    def files(self, revision: str) -> dict[str, bytes] | None:
        return self.commits.get(self.branches.get(revision, revision))


@dataclass
class Hub:
    """What the server holds, what it was asked, and what it shall do wrong."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path without the query, Range header) of every request, in order."""
    objects: dict[str, bytes] = field(default_factory=dict)
    """Large files uploaded, by SHA-256."""
    bodies: dict[str, Any] = field(default_factory=dict)
    """The last body posted, by path."""
    breaks: dict[str, int] = field(default_factory=dict)
    """After how many bytes the connection breaks, once, when a file of that name is fetched."""
    status: int | None = None
    """Answer every question about a repository with this status."""
    page: bytes | None = None
    """Answer them with this page instead, as a captive portal does."""

    def add(self, repository: str, folder: Path, **attributes: Any) -> str:
        """Publish a folder's files and return the commit."""
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        repo = self.repositories.setdefault(repository, Repository(**attributes))
        return repo.commit(files)

    def fetched(self) -> list[str]:
        """Names of the files whose content was asked for, in order."""
        return [path.rpartition("/")[2] for method, path, _ in self.requests if method == "GET" and "/resolve/" in path]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        path = self._begin()
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(match[1], match[2] or "main")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/(.+)", path):
            self._tree(match[1], match[2])
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(match[1], match[2], match[3])
        else:
            self._answer(404, {"error": f"no route {path}"})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        path = self._begin()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        ndjson = self.headers.get("Content-Type") == "application/x-ndjson"
        content = [json.loads(line) for line in body.splitlines()] if ndjson else json.loads(body or b"null")
        self.hub.bodies[path] = content
        if self.headers.get("Authorization") != f"Bearer {TOKEN}" and path != "/api/validate-yaml":
            self._answer(401, {"error": "Unauthorized"}, {"X-Error-Message": "Invalid credentials"})
        elif path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            self._create(content)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/branch/(.+)", path):
            self._branch(match[1], match[2])
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/preupload/(.+)", path):
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in content["files"]
            ]
            self._answer(200, {"files": modes})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**wanted, "actions": {"upload": {"href": f"{self.hub.url}/objects/{wanted['oid']}"}}}
                for wanted in content["objects"]
            ]
            self._answer(200, {"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/(.+)", path):
            self._commit(match[1], match[2], content)
        else:
            self._answer(404, {"error": f"no route {path}"})

    def do_PUT(self) -> None:
        path = self._begin()
        self.hub.objects[path.rpartition("/")[2]] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, {})

    def _begin(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range", "")))
        return path

    def _info(self, name: str, revision: str) -> None:
        files = self._readable(name, revision)
        if files is not None:
            sha = self.hub.repositories[name].branches.get(revision, revision)
            self._answer(200, {"id": name, "sha": sha, "siblings": [{"rfilename": file} for file in files]})

    def _tree(self, name: str, revision: str) -> None:
        files = self._readable(name, revision)
        if files is not None:
            self._answer(
                200,
                [
                    {"type": "file", "path": file, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                    for file, content in files.items()
                ],
            )

    def _file(self, name: str, revision: str, file: str) -> None:
        files = self._readable(name, revision)
        if files is None:
            return
        if file not in files:
            self._answer(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        content = files[file]
        begin = int(match[1]) if (match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        self.send_response(206 if begin else 200)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.hub.repositories[name].branches.get(revision, revision))
        self.send_header("Content-Length", str(len(content) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            end = self.hub.breaks.pop(file, None)
            self.wfile.write(content[begin:end])
            if end is not None:
                self.close_connection = True

    def _create(self, wanted: dict[str, Any]) -> None:
        name = f"{wanted['organization']}/{wanted['name']}"
        if name in self.hub.repositories:
            self._answer(409, {"error": "You already created this model repo", "url": f"{self.hub.url}/{name}"})
            return
        repository = Repository(private=wanted.get("visibility") == "private")
        repository.commit({})
        self.hub.repositories[name] = repository
        self._answer(200, {"url": f"{self.hub.url}/{name}", "name": name})

    def _branch(self, name: str, branch: str) -> None:
        repository = self.hub.repositories[name]
        if branch in repository.branches:
            self._answer(409, {"error": "Reference already exists"})
            return
        repository.branches[branch] = repository.branches["main"]
        self._answer(200, {})

    def _commit(self, name: str, branch: str, lines: list[dict[str, Any]]) -> None:
        files = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
        identity = self.hub.repositories[name].commit(files, branch)
        self._answer(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{identity}", "commitOid": identity})

    def _readable(self, name: str, revision: str) -> dict[str, bytes] | None:
        """The files of a revision, or None once a refusal has been sent."""
        repository = self.hub.repositories.get(name)
        authorised = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if self.hub.page is not None:
            self._answer(200, self.hub.page)
        elif self.hub.status is not None:
            self._answer(self.hub.status, {"error": "out of order"})
        elif repository is None or (repository.private and not authorised):
            code = "RepoNotFound"
            self._answer(404 if authorised else 401, {"error": "Repository not found"}, {"X-Error-Code": code})
        elif repository.gated and not authorised:
            self._answer(401, {"error": "Access is restricted"}, {"X-Error-Code": "GatedRepo"})
        elif (files := repository.files(revision)) is None:
            self._answer(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        else:
            return files
        return None

    def _answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve an empty hub on a free local port."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
