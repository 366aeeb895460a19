"""All data stored about one person, as JSON, row by row: docs/operations.md, “A person's data”.

Secrets are left out: passwords, keys, tokens and their digests, and addresses by which devices are called.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from notifications.additions import PersonalData, Section
from notifications.models import Attachment, AttachmentPiece, Recipient
from wfpush import features

FORMAT = "wfpush person 1"
AT_ONCE = 500
SECRET = {
    "password", "digest", "account_seal", "access_token", "refresh_token", "given_for", "address_kind", "p256dh",
    "auth", "session", "session_hash", "sender", "fingerprint", "lease_token", "lease_until", "sha256",
}  # fmt: skip
"""Names of columns."""
NAMED = ("task__task_id", "case__case_id", "engine__slug", "category__slug", "team__slug", "event__event_id")
"""Names of referenced rows, which are exported beside their keys."""


def _names(person: Recipient) -> list[str]:
    user = person.user
    return [each for each in (person.ref, person.email, user.get_username() if user else "") if each]


_WAYS = frozenset({"address", "get_data", "post_data"})

SECTIONS: dict[str, Section] = {
    "profile": Section("notifications.recipient", "pk"),
    "profile_history": Section("notifications.historicalrecipient", "id"),
    "account": Section("auth.user", "pk", lambda person: person.user_id),
    "absence": Section("notifications.absence", "recipient"),
    "absence_history": Section("notifications.historicalabsence", "recipient"),
    "absence_calendar": Section("notifications.absencefeed", "recipient", without=frozenset({"url"})),
    "absence_calendar_history": Section("notifications.historicalabsencefeed", "recipient"),
    "absences_by_calendar": Section("notifications.calendarabsence", "feed"),
    "stands_in_for": Section("notifications.absence", "delegate"),
    "stands_in_by_calendar": Section("notifications.absencefeed", "delegate", without=frozenset({"url"})),
    "stands_in_for_some": Section("notifications.absencepart", "delegate"),
    "handed_over": Section("notifications.handedover", "person"),
    "handed_to_them": Section("notifications.handedover", "to"),
    "teams": Section("notifications.team_members", "recipient"),
    "preferences": Section("notifications.preferences", "recipient"),
    "quiet_hours": Section("notifications.quiethours", "recipient"),
    "category_choices": Section("notifications.categorychoice", "recipient"),
    "saved_views": Section("notifications.savedview", "recipient"),
    "devices": Section("notifications.device", "recipient", without=_WAYS),
    "device_history": Section("notifications.historicaldevice", "recipient"),
    "muted_cases": Section("notifications.mutedcase", "recipient"),
    "followed_kinds": Section("notifications.followedkind", "recipient"),
    "lists_for_cases": Section("notifications.caselist_people", "recipient"),
    "followed_cases": Section("notifications.case_followers", "recipient"),
    "tasks_assigned": Section("notifications.task", "assignee"),
    "tasks_begun": Section("notifications.task", "initiator"),
    "tasks_offered": Section("notifications.task_candidates", "recipient"),
    "items": Section("notifications.notification", "recipient"),
    "items_on_their_behalf": Section("notifications.notification", "on_behalf_of"),
    "messages_sent": Section("notifications.delivery", "recipient"),
    "tries_to_send": Section("notifications.deliveryattempt", "delivery__recipient"),
    "answers": Section("notifications.response", "recipient"),
    "answers_refused": Section("notifications.refusedanswer", "recipient"),
    "written": Section("notifications.taskmessage", "author"),
    "written_to_them": Section("notifications.addressee", "person"),
    "files": Section("notifications.attachment", "uploader"),
    "tokens": Section("notifications.recipienttoken", "recipient"),
    "sign_in_links": Section("notifications.signinlink", "recipient"),
    "links_by_email": Section("notifications.linkmail", "recipient"),
    "links_to_answer": Section("notifications.actiontoken", "recipient"),
    "connected_accounts": Section("notifications.connectedaccount", "recipient"),
    "sign_ins": Section("axes.accesslog", "username__in", _names),
    "failed_sign_ins": Section("axes.accessattempt", "username__in", _names, _WAYS),
    "done_at_the_desk": Section("admin.logentry", "user", lambda person: person.user_id),
    "done_to_them": Section("admin.logentry", "object_id", lambda person: str(person.pk)),
}


def sections() -> Mapping[str, Section]:
    """Return the sections by name: those of the core, then those of features."""
    return {**SECTIONS, **{name: each for data in features.added(PersonalData) for name, each in data.export.items()}}


def export(person: Recipient, now: datetime) -> Iterator[str]:
    """Yield pieces of the JSON, so that only some rows are in memory at a time."""
    head = {"format": FORMAT, "exported_at": now, "ref": person.ref}
    yield "{" + ",\n".join(f"{_json(name)}: {_json(value)}" for name, value in head.items())
    for name, section in sections().items():
        yield f",\n{_json(name)}: ["
        for number, pieces in enumerate(_rows(name, section, person)):
            yield ",\n" if number else "\n"
            yield from pieces
        yield "]"
    yield "}\n"


def _rows(name: str, section: Section, person: Recipient) -> Iterator[Iterable[str]]:
    rows = section.rows(person)
    if name == "done_to_them":
        rows = rows.filter(content_type__app_label="notifications", content_type__model="recipient")
    fields = [each for each in rows.model._meta.concrete_fields if each.name not in SECRET | section.without]
    related = {each.split("__")[0] for each in NAMED} & {each.name for each in fields}
    rows = rows.select_related(*sorted(related)) if related else rows
    for row in rows.iterator(chunk_size=AT_ONCE):
        values = {each.attname: getattr(row, each.attname) for each in fields}
        record = {
            name: str(value) if isinstance(value, bytes | memoryview) else value for name, value in values.items()
        }
        record |= {path: getattr(other, path.split("__")[1]) for path in NAMED if (other := _other(row, path, related))}
        yield _with_content(row, record) if isinstance(row, Attachment) else [_json(record)]


def _other(row: Any, path: str, related: set[str]) -> Any:
    name = path.split("__")[0]
    return getattr(row, name) if name in related else None


def _with_content(file: Attachment, record: dict[str, Any]) -> Iterator[str]:
    """Yield the record as JSON, with the file's bytes in Base64, in a list of pieces that are read one by one."""
    yield _json(record)[:-1] + ', "content": ['
    pieces = AttachmentPiece.objects.filter(attachment=file)
    for number in range(pieces.count()):
        content = bytes(pieces.get(number=number).content)
        yield (", " if number else "") + _json(base64.b64encode(content).decode())
    yield "]}"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
