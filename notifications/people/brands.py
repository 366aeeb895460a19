"""The brand of messages and links to a person."""

from notifications.models import Brand, Case, Notification, Recipient


def brand_for(person: Recipient, case: Case | None = None) -> Brand | None:
    """Return the person's brand, else that of the last message to them (about the case). Reads the person's brand."""
    if person.brand is not None:
        return person.brand
    branded = Notification.objects.filter(recipient=person, brand__isnull=False)
    last = (branded.filter(case=case) if case else branded).select_related("brand").order_by("-seq").first()
    return last.brand if last else None
