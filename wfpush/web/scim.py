"""Errors in SCIM's form (RFC 7644, 3.12) for requests that are refused before any view runs."""

from typing import Any

CONTENT_TYPE = "application/scim+json"
SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


def is_wanted(content_type: str, accept: str) -> bool:
    """Return whether the caller sends or expects SCIM, by its headers."""
    return CONTENT_TYPE in content_type.lower() or CONTENT_TYPE in accept.lower()


def error_json(status: int, detail: str) -> dict[str, Any]:
    return {"schemas": [SCHEMA], "status": str(status), "detail": detail}
