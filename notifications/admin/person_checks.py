"""What has to fit between a person and others, on the form and where a time of their history is restored."""

from django.utils.translation import gettext as _

from notifications.models import Recipient


def circle(pk: int | None, manager: Recipient | None) -> str:
    """What is wrong if the person has this manager: escalations go from manager to manager. Empty: nothing."""
    seen: set[int | None] = {pk} if pk else set()
    while manager is not None:
        if manager.pk in seen:
            return _("This goes in a circle: %(manager)s reports to this person.") % {"manager": manager}
        seen.add(manager.pk)
        manager = manager.manager
    return ""


def shared_address(person: Recipient, address: str) -> str:
    """What is wrong if this internal person has this verified address."""
    others = Recipient.objects.filter(engine=None, email__iexact=address, email_verified=True)
    other = next((each for each in others[:2] if each.pk != person.pk), None)
    if other is None:
        return ""
    return _("%(person)s has this verified address already: engines could not tell them apart.") % {"person": other}
