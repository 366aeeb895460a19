"""One message to one person about their duty."""

from collections.abc import Callable
from datetime import datetime

from django.urls import reverse

from notifications.models import Notification, Recipient, Rota
from notifications.reasons import Reason
from notifications.routing import notice
from notifications.routing.notice import About, Words

TYPE = "wfpush.duty"


def tell(
    rota: Rota,
    person: Recipient,
    worded: Callable[[], Words],
    why: Reason,
    now: datetime,
    *,
    instead_of: Recipient | None = None,
) -> Notification | None:
    """In a transaction. `worded` is called in the person's language and time zone. None where nothing can be sent
    yet."""
    subject = About(
        type=TYPE,
        data={"rota": {"slug": rota.slug, "name": rota.name}},
        page=reverse("inbox:duty"),
        details={"duty": {"rota": rota.slug}},
        category=rota.category,
    )
    return notice.send(person, subject, worded, why, now, instead_of=instead_of)
