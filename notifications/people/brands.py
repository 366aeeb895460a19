"""Under which brand a person is spoken to."""

from notifications.models import Brand, Case, Notification, Recipient


def brand_for(person: Recipient, case: Case | None = None) -> Brand | None:
    """Their own, else that of the last message to them (about the case): routes have brands. Reads their brand."""
    if person.brand is not None:
        return person.brand
    told = Notification.objects.filter(recipient=person, brand__isnull=False)
    last = (told.filter(case=case) if case else told).select_related("brand").order_by("-seq").first()
    return last.brand if last else None
