"""Bearer tokens of directories: issued and shown once, rotated with an overlap, and checked at each request."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from scim2_models import UnauthorizedException

from notifications.provisioning.models import ScimDirectory, ScimToken
from wfpush.crypto import digest_of, new_scim_token

USE_NOTED_EVERY = timedelta(minutes=1)
WHO = "Send a valid token of a directory as Authorization: Bearer wfs_… It may be wrong, replaced, or switched off."


@transaction.atomic
def issue(directory: ScimDirectory, now: datetime, *, overlap: timedelta | None) -> tuple[ScimToken, str]:
    """Return a new token and its text, which is stored nowhere. Earlier ones end after the overlap, or earlier if they
    end before; None: they stay."""
    if overlap is not None:
        ends = now + overlap
        directory.tokens.filter(Q(expires_at=None) | Q(expires_at__gt=ends)).update(expires_at=ends)
    new = new_scim_token()
    token = ScimToken.objects.create(directory=directory, prefix=new.prefix, digest=new.digest, created_at=now)
    return token, new.key


def authenticate(request: HttpRequest, now: datetime) -> ScimToken:
    """Return the token of a request, with its directory. Raises UnauthorizedException."""
    scheme, _separator, credential = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise UnauthorizedException(detail=WHO)
    tokens = ScimToken.objects.select_related("directory")
    token = tokens.filter(digest=digest_of(credential.strip()), directory__active=True).first()
    if token is None or not token.works_at(now):
        raise UnauthorizedException(detail=WHO)
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        ScimToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
