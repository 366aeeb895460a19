"""The CloudEvent that tells an engine of a message: docs/api.md, "Messages out to the engine"."""

import json
from collections.abc import Iterable

from notifications.attachments.described import attachment_json
from notifications.items.representation import iso_utc
from notifications.models import Addressee, Attachment, Task, TaskMessage
from notifications.types import Json


def task_message(
    message: TaskMessage, task: Task, addressees: list[Addressee], files: Iterable[Attachment] = ()
) -> str:
    """The body that is stored and sent. It is made once, so that every retry is byte-identical."""
    data: Json = {
        "task_id": task.task_id,
        "case_id": task.case.case_id if task.case else None,
        "message": {
            "id": str(message.pk),
            "kind": message.kind,
            "text": message.text,
            "attachments": [attachment_json(each) for each in files],
            "by": message.by,
            "for": [each.person.as_person() for each in addressees],
            "reply_to": str(message.reply_to_id) if message.reply_to_id else None,
            "at": iso_utc(message.at),
            "via": message.via,
            "late": message.late,
        },
    }
    event: Json = {
        "specversion": "1.0",
        "id": str(message.pk),
        "source": "wfpush",
        "type": "task.message",
        "subject": task.task_id,
        "time": iso_utc(message.at),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
