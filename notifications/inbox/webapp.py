"""The parts that make the inbox an app: its service worker and its manifest.

The worker is one script, made of the modules that static/wfpush/worker.js imports; pages have some of them, too.
Browsers that are still in use cannot load modules in workers (Firefox can since 147).
"""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from notifications.models import Brand
from notifications.types import Json
from notifications.wording.sentences import spoken_by_worker
from wfpush import features
from wfpush.web import page_scripts
from wfpush.web.javascript import LOADER, bundle, read_modules

TEMPLATES = settings.BASE_DIR / "templates"
ENTRY = "worker.js"

THEME, DARK_THEME, GROUND = "#ffffff", "#1a1d21", "#f6f7f9"
"""The bar at the top of every page, in light and dark, and the background below it: as in static/wfpush/tokens.css."""


@dataclass(frozen=True)
class Worker:
    """The script of the service worker, and the version of all that it caches: any change gives another version."""

    source: str
    version: str


def worker() -> Worker:
    return assembled() if settings.DEBUG else _assembled_once()


def assembled() -> Worker:
    files = shell_files()
    code = f'{LOADER}{bundle(read_modules(page_scripts.folders(), [ENTRY]))};\nloadModule("{ENTRY}");\n'
    words = {language: _in(language, spoken_by_worker) for language, _name in settings.LANGUAGES}
    to_customer = partial(spoken_by_worker, customer=True)
    customer_words = {language: _in(language, to_customer) for language, _name in settings.LANGUAGES}
    version = hashlib.sha256()
    for part in (
        code,
        json.dumps([words, customer_words]),
        *(path.read_text("utf-8") for path in sorted(page_templates())),
    ):
        version.update(part.encode())
    for name, content in files.items():
        version.update(name.encode() + content)
    constants = {
        "PAGE_VERSION": version.hexdigest()[:16],
        "SHELL_FILES": {name: integrity(content) for name, content in files.items()},
        "WORDS": words,
        "CUSTOMER_WORDS": customer_words,
    }
    head = "".join(f"const {name} = {json.dumps(value, ensure_ascii=False)};\n" for name, value in constants.items())
    return Worker(f'"use strict";\n{head}{code}', constants["PAGE_VERSION"])  # type: ignore[arg-type]


_assembled_once = cache(assembled)


def shell_files() -> dict[str, bytes]:
    """Return the scripts, styles and icons of the pages, by file name."""
    paths = (path for folder in page_scripts.folders() for kind in ("*.css", "*.svg") for path in folder.glob(kind))
    files = {path.name: path.read_bytes() for path in sorted(paths)}
    return {name: script.encode() for name, script in page_scripts.page_scripts().items()} | files


def page_templates() -> list[Path]:
    of_features = (path for folder in features.folders("templates") for path in folder.glob("*/*.html"))
    return [TEMPLATES / "base.html", *(TEMPLATES / "inbox").glob("*.html"), *of_features]


def integrity(content: bytes) -> str:
    """Return the hash that browsers check (Subresource Integrity)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content).digest()).decode()}"


def _in(language: str, words: Callable[[], dict[str, str]]) -> dict[str, str]:
    with translation.override(language):
        return words()


@csp_update({"connect-src": [SELF, "https:", "http:"]})  # documents are fetched from the addresses that engines name
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(worker().source, content_type="text/javascript; charset=utf-8")
    response["Service-Worker-Allowed"] = "/"
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """Return the app's manifest. Browsers fetch it without a session, so the address has brand and language."""
    brand = Brand.objects.filter(slug=request.GET.get("brand", "")).first()
    name, language = brand.name if brand else "wfpush", request.GET.get("language", "")
    with translation.override(language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE):
        body = {
            "id": "/",
            "name": name,
            "short_name": name,
            "description": _("See the tasks that wait for you, and answer them."),
            "lang": translation.get_language() or "",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "theme_color": THEME,
            "background_color": GROUND,
            "icons": [_icon(size, purpose) for purpose in ("any", "maskable") for size in (192, 512)],
        }
    response = JsonResponse(body, content_type="application/manifest+json")
    response["Cache-Control"] = "public, max-age=300"
    return response


def _icon(size: int, purpose: str) -> Json:
    name = f"{size}.png" if purpose == "any" else f"{purpose}-{size}.png"
    return {
        "src": static(f"wfpush/icons/{name}"),
        "sizes": f"{size}x{size}",
        "type": "image/png",
        "purpose": purpose,
    }
