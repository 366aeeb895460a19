"""Explains in a sentence what became of the messages about one notification to a person."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from notifications import reasons
from notifications.admin.desk.display import exact, inner_quotes
from notifications.channel_facts import INBOX, channel_name
from notifications.models import Delivery, DeliveryState, Notification, NotificationState, Recipient

UNSENT_STATES = (DeliveryState.SUPPRESSED, DeliveryState.SUPERSEDED, DeliveryState.DEAD, DeliveryState.EXPIRED)


def explain_messages(person: Recipient, copy: Notification, deliveries: Sequence[Delivery]) -> tuple[str, str]:
    """Return sentences about the person's messages, the most important one first, and what to do. `deliveries`: those
    of the newest event that made some, which may be none."""
    messages = [each for each in deliveries if each.channel != INBOX]
    delivered = [each for each in messages if each.state == DeliveryState.DELIVERED]
    waiting = [each for each in messages if each.state == DeliveryState.PENDING and each.due_at is not None]
    names = {"person": person, "title": inner_quotes(copy.title)}
    if copy.state == NotificationState.WITHDRAWN:
        return _("“%(title)s” was withdrawn from %(person)s: %(why)s.") % {**names, "why": without_stop(copy)}, ""
    if delivered:
        names |= {"ways": join(map(_way, delivered)), "time": exact(delivered[-1].ended_at or delivered[-1].created_at)}
        text = _("%(person)s was notified of “%(title)s” by %(ways)s on %(time)s.") % names
        return f"{text} {_read_sentence(copy)}", ""
    if (closed := not_present(person)) and messages:
        return closed, _to_activate(person)
    if waiting:
        return _explain_waiting(waiting[0], names), _("The message is in the person's inbox in any case.")
    text, to_do = _explain_unsent(copy, messages, names)
    return f"{text} {_read_sentence(copy)}", to_do


def not_present(person: Recipient) -> str:
    """Return why nothing is sent to the person at all; empty for active people."""
    if not person.active:
        return _("%(person)s is not active, so no message is sent to them.") % {"person": person}
    if not person.present:
        return _("The account of %(person)s is closed, so no message is sent to them.") % {"person": person}
    return ""


def _to_activate(person: Recipient) -> str:
    return _("Open the account again, or mark the person as active on their page.")


def _explain_waiting(delivery: Delivery, names: dict[str, object]) -> str:
    names |= {
        "way": _way(delivery),
        "why": without_stop(delivery),
        "time": exact(delivery.due_at or delivery.created_at),
    }
    if delivery.held:
        return _("The message about “%(title)s” to %(person)s by %(way)s is held back: %(why)s.") % names
    if delivery.reason:
        return _("The message about “%(title)s” to %(person)s by %(way)s waits until %(time)s: %(why)s.") % names
    return _("The message about “%(title)s” to %(person)s by %(way)s is about to be sent.") % names


def _explain_unsent(copy: Notification, messages: Sequence[Delivery], names: dict[str, object]) -> tuple[str, str]:
    unsent = [each for each in messages if each.state in UNSENT_STATES]
    if any(each.state == DeliveryState.SUPERSEDED and _code(each) == reasons.TASK_ANSWERED.name for each in unsent):
        names["name"] = ((copy.outcome or {}).get("by") or {}).get("name") or _("Somebody")
        return _("%(name)s answered “%(title)s” before a message to %(person)s was sent.") % names, ""
    if not unsent:
        names["category"] = copy.category
        text = _("“%(title)s” is in the inbox of %(person)s; the category “%(category)s” uses no other channel.")
        return text % names, _("Add channels on the category's page.")
    names["why"] = "; ".join(f"{_way(each)}: {without_stop(each)}" for each in unsent)
    text = _("“%(title)s” is in the inbox of %(person)s, but no message was sent: %(why)s.")
    to_do = _("See the category's channels, the person's settings, their devices and their address.")
    if any(each.state == DeliveryState.DEAD for each in unsent):
        to_do = _("Correct the address or the service. The delivery's page says more.")
    return text % names, to_do


def _read_sentence(copy: Notification) -> str:
    if copy.read_at is None:
        return _("It has not been read yet.")
    return _("It was read on %(time)s.") % {"time": exact(copy.read_at)}


def _way(delivery: Delivery) -> str:
    return f"{channel_name(delivery.channel)} {delivery.to}".strip()


def _code(delivery: Delivery) -> str:
    return reasons.read(delivery).code


def without_stop(row: Delivery | Notification) -> str:
    """Return the reason of a row without its full stop, for the end of a sentence; without a reason its state."""
    return (reasons.words(row) or str(row.get_state_display())).rstrip(".")


def join(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
