"""Static files as WhiteNoise serves them, compressed: pages are to come quickly on a slow line.

The files of packages lie where nothing can be written, and there is no build step. So each file is compressed by
WhiteNoise's own compressor when it is first asked for, and the copy is kept in the data folder.
"""

import hashlib
from pathlib import Path

import structlog
from django.http import HttpRequest, HttpResponse
from whitenoise.compress import Compressor
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from wfpush.web.made_files import made_file

log = structlog.get_logger(__name__)

SMALLEST = 500
"""Bytes of a file that is worth compressing."""


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # WhiteNoise has no types
    """WhiteNoise, with a compressed copy of each file that is asked for."""

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
        """Return the file with a smaller copy for clients that take it, or alone where no copy can be written."""
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
