"""Versions of resources: weak entity tags, computed from what is shown (RFC 7644, 3.14), and the conditions on them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from scim2_models import Context, PreconditionFailedException

ANY = "*"


def tag_of(resource: Any) -> str:
    """Return the entity tag of a resource, whose times do not count."""
    shown = resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    shown.pop("meta", None)
    digest = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()
    return f'W/"{digest[:32]}"'


def tags_in(header: str) -> set[str]:
    """Return the tags of If-Match or If-None-Match, all as weak ones."""
    tags = (tag.strip() for tag in header.split(","))
    return {tag if tag == ANY or tag.startswith("W/") else f"W/{tag}" for tag in tags if tag}


@dataclass(frozen=True)
class Precondition:
    """The If-Match of a request, checked against the locked row. `resource_of` returns the row's resource."""

    header: str
    resource_of: Callable[[Any], Any]

    @classmethod
    def of(cls, request: HttpRequest, resource_of: Callable[[Any], Any]) -> "Precondition":
        return cls(request.headers.get("If-Match", ""), resource_of)

    def check(self, row: Any) -> None:
        """Raises PreconditionFailedException if the resource has changed since."""
        tags = tags_in(self.header)
        if tags and ANY not in tags and tag_of(self.resource_of(row)) not in tags:
            raise PreconditionFailedException(detail="It has changed since this version. Read it again, then repeat.")
