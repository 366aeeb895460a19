"""/api/schema and /api/docs: OpenAPI 3, and Swagger UI from our own static files (no other host is asked)."""

import json
from functools import cache

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView

from notifications.api.frame.base import OnlyJSON


@cache
def document() -> bytes:
    """Return the description. It is the same for everybody, and takes long to make."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    described = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(described, ensure_ascii=False).encode()


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type="application/json")


@method_decorator(csp_update({"style-src": ["'self'", "'unsafe-inline'"]}), name="dispatch")  # Swagger UI sets styles
class DocsView(SpectacularSwaggerSplitView):
    url_name = "api-schema"
    template_name = "api/docs.html"
    content_negotiation_class = OnlyJSON
    metadata_class = None
