"""Static files as WhiteNoise serves them, compressed: pages are to come quickly on a slow line.

The files of packages are in folders that cannot be written, and there is no build step. So WhiteNoise's own compressor
compresses each file when it is first requested, and the copy is kept in the data folder.
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from wfpush.embedded import datafolder


def made_file(name: str, make: Callable[[], bytes]) -> Path:
    """Return the file of that name, made if it is missing. If the data folder takes no files, as with the units of
    systemd, it is in a folder of this process.

    Raises OSError if no file can be written at all.
    """
    with suppress(OSError):
        return _file(Path(settings.DATA_DIR) / datafolder.STATIC / name, make)
    return _file(Path(_own_folder().name) / name, make)


@cache
def _own_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder that only this user can write. It is removed when the process ends, and not before:
    systemd-tmpfiles leaves locked folders alone (tmpfiles.d(5))."""
    folder = tempfile.TemporaryDirectory(prefix="wfpush-static-")
    fcntl.flock(os.open(folder.name, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_SH)
    return folder


def _file(path: Path, make: Callable[[], bytes]) -> Path:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(f".{os.getpid()}")
        begun.write_bytes(make())
        begun.replace(path)  # the file is complete or missing
    return path


log = structlog.get_logger(__name__)

SMALLEST = 500
"""The fewest bytes of a file that is worth compressing."""


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types
    """WhiteNoise, with a compressed copy of each requested file."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._compressor = Compressor(use_brotli=False, quiet=True)
        self._requested_urls: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        url = request.path_info
        if url in self.files and url not in self._requested_urls:
            self._requested_urls.add(url)
            self.files[url] = self._with_copy(self.files[url])
        response: HttpResponse = super().__call__(request)
        return response

    def _with_copy(self, plain: StaticFile) -> StaticFile:
        """Return the file with a smaller copy for clients that take it, or alone if no copy can be written."""
        _encoding, path, headers = plain.alternatives[0]
        try:
            copy = self._copy_of(Path(path))
        except OSError as fault:
            log.warning("static_file_not_compressed", path=path, fault=str(fault))
            return plain
        headers_of_copy = [(name, value) for name, value in headers if name != "Content-Length"]
        return StaticFile(path, headers_of_copy, encodings={"gzip": str(copy)}) if copy else plain

    def _copy_of(self, path: Path) -> Path | None:
        content = path.read_bytes()
        if len(content) < SMALLEST or not self._compressor.should_compress(path.name):
            return None
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.gz"
        return made_file(name, lambda: self._compressor.compress_gzip(content))
