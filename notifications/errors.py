"""All failures, in one vocabulary. Each has a code (docs/api.md), a status and a sentence for the reader."""

from typing import Any


class Failure(Exception):
    """What the caller asked for cannot be done; `detail` says what to do."""

    status = 400
    code = "bad_request"
    pointer = ""
    """A JSON pointer to the fault in the body; empty: the whole body."""

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class Malformed(Failure):
    status, code = 400, "malformed"


class NotFound(Failure):
    status, code = 404, "not_found"


class InvalidEvent(Failure):
    """`errors` is a list of {"pointer", "detail"} (RFC 9457, RFC 6901)."""

    status, code = 422, "invalid_event"

    def __init__(self, detail: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(detail, errors=errors or [])


class NotSigned(Failure):
    """A call that has to be signed, and is not, or not as agreed."""

    status, code = 401, "unauthenticated"


class EventIdReused(Failure):
    status, code = 409, "event_id_reused"


class AlreadyAnswered(Failure):
    """Extra members: `answered_by`, `answered_at`, `action`."""

    status, code = 409, "already_answered"


class AlreadyHandled(Failure):
    status, code = 409, "already_handled"


class Withdrawn(Failure):
    status, code = 409, "withdrawn"


class Expired(Failure):
    """Extra member, where the token has ended, or the device on which the answer was kept: `ended`, which is “device”
    when the device was removed, “withdrawn” when the item was taken back, “token” when its time is over."""

    status, code = 410, "expired"


class NotAllowed(Failure):
    status, code = 403, "not_allowed"


class FourEyes(NotAllowed):
    """Extra members: `rule`, its name, and `why`: “initiator” or “previous”."""


class CommentRequired(Failure):
    status, code = 422, "comment_required"
    pointer = "/comment"


class IdempotencyKeyReused(Failure):
    status, code = 422, "idempotency_key_reused"


class InvalidAnswer(Failure):
    status, code = 422, "invalid_answer"
    pointer = "/comment"


class RenderError(Exception):
    """A template has a mistake, or exceeds a limit; the message says what and where."""


class ScopeMissing(Failure):
    status, code = 403, "scope_missing"


class CsrfFailed(Failure):
    status, code = 403, "csrf_failed"


class TooLarge(Failure):
    status, code = 413, "too_large"


class UnsupportedMediaType(Failure):
    status, code = 415, "unsupported_media_type"


class Invalid(Failure):
    """`errors` is a list of {"pointer", "detail"} (RFC 9457, RFC 6901)."""

    status, code = 422, "invalid"

    def __init__(self, detail: str, errors: list[dict[str, str]]) -> None:
        super().__init__(detail, errors=errors)


ASKED_TO_WAIT = "asks to wait"
"""Part of the messages about a service that wants to be called later, and of no others."""


class TransportError(Exception):
    """A channel's service did not take a message. `permanent`: trying again cannot help. `retry_after` in seconds.

    `busy`: the service works, and wants to be called less often.
    """

    def __init__(
        self, detail: str, *, permanent: bool = False, retry_after: float | None = None, busy: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.permanent = permanent
        self.retry_after = retry_after
        self.busy = busy


class RecipientGone(TransportError):
    """The address will never work again; it is to be removed."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, permanent=True)


class ServiceRefuses(TransportError):
    """The push service does not accept our credentials (401, 403): an administrator must correct them, and no message
    gets through."""
