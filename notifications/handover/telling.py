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
    """Send a notice about a rota, in a transaction. `worded` runs in the person's language and time zone. Returns None
    where nothing can be sent yet."""
    subject = About(
        type=TYPE,
        data={"rota": {"slug": rota.slug, "name": rota.name}},
        page=reverse("inbox:duty"),
        details={"duty": {"rota": rota.slug}},
        category=rota.category,
    )
    return notice.send(person, subject, worded, why, now, instead_of=instead_of)
