"""All failures, in one vocabulary. Each has a code (docs/api/errors.md), a status and a sentence for the reader."""

from collections.abc import Sequence
from typing import Any, Self

from notifications import reasons
from wfpush.observability.services import AWAY, REFUSES


class Failure(Exception):
    """A request that cannot be fulfilled; `detail` says what to do."""

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


class TooLate(Failure):
    """An answer that cannot be taken back any more."""

    status, code = 409, "too_late"


class AlreadyHandled(Failure):
    status, code = 409, "already_handled"


class Withdrawn(Failure):
    status, code = 409, "withdrawn"


class Changed(Failure):
    """The content has changed since the person was shown it. `shown`: the revision shown; empty: none was named. Extra
    members, which the API adds: the current `notification`, and `changes`."""

    status, code = 409, "changed"

    def __init__(self, detail: str, shown: str = "") -> None:
        super().__init__(detail)
        self.shown = shown


class Expired(Failure):
    """An ended token or device. The extra member `ended` is “device” if the device of the stored answer was removed,
    “withdrawn” if the item was withdrawn, “token” if the token's time is over."""

    status, code = 410, "expired"


class NotAllowed(Failure):
    status, code = 403, "not_allowed"


class FourEyes(NotAllowed):
    """Extra members: `rule`, its name, and `why`: “initiator” or “previous”."""


class SignatureRequired(Failure):
    """An answer that its person must sign with a passkey, and has not, or not as it should be. Extra members: `why`,
    one of “missing”, “expired”, “differs”, “wrong”, and `has_passkey`."""

    status, code = 403, "signature_required"


class CommentRequired(Failure):
    status, code = 422, "comment_required"
    pointer = "/comment"


class InvalidValues(Failure):
    """Values that do not fit the form of the task. `faults`: the mistakes, for pages (notifications/forms/)."""

    status, code = 422, "invalid_values"
    pointer = "/values"

    def __init__(self, detail: str, errors: list[dict[str, str]], faults: Sequence[Any] = ()) -> None:
        super().__init__(detail, errors=errors)
        self.faults = faults


class IdempotencyKeyReused(Failure):
    status, code = 422, "idempotency_key_reused"


class InvalidAnswer(Failure):
    status, code = 422, "invalid_answer"
    pointer = "/comment"


class TooMany(Failure):
    """Too many requests by one caller. `seconds`: time until the next try."""

    status, code = 429, "too_many_requests"

    def __init__(self, detail: str, seconds: int) -> None:
        super().__init__(detail)
        self.seconds = seconds


class RenderError(Exception):
    """A mistake in a template, or an exceeded limit; the message says what and where."""


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

    @classmethod
    def at(cls, pointer: str, detail: str) -> Self:
        """Return the failure of one place: `pointer` is a JSON pointer; empty: the whole."""
        return cls(detail, [{"pointer": pointer, "detail": detail}])


class TransportError(Exception):
    """Raised if a service did not take a message. `permanent`: trying again cannot help. `retry_after` is in seconds.

    `reason`: shown by the trace, the ledger and the desk in the reader's language: a code of notifications/reasons.py,
    or of the channel's own `facts.py`, with the service's words as its argument. A string is only for text from
    outside, shown as it is. A service that works, and wants to be called less often, has the reason
    `reasons.ASKS_TO_WAIT(service=…, words=…)`, with `retry_after`; no other error uses this code.

    `works`: the service works, and does not take this message now. Without it, and with another reason, an error that
    is not permanent says that the service does not work.

    `service_state`: the service's state after a permanent error (wfpush/observability/services.py); empty: unknown,
    since the service was not asked, or may have taken others.
    """

    def __init__(
        self,
        reason: reasons.Reason | str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        works: bool = False,
        service_state: str = "",
    ) -> None:
        self.reason = reasons.reason_of(reason)
        super().__init__(str(self.reason))
        self.permanent = permanent
        self.retry_after = retry_after
        self.works = works or permanent or self.busy
        self.service_state = service_state or ("" if permanent else REFUSES if self.works else AWAY)

    @property
    def detail(self) -> str:
        """The reason in English, for logs and programs."""
        return str(self.reason)

    @property
    def busy(self) -> bool:
        return self.reason.code == reasons.ASKS_TO_WAIT.name


class RecipientGone(TransportError):
    """Raised if the address will never work again; it must be removed."""

    def __init__(self, reason: reasons.Reason | str) -> None:
        super().__init__(reason, permanent=True)


class ServiceRefuses(TransportError):
    """Raised if the service does not accept our credentials: no message gets through until they are corrected."""
