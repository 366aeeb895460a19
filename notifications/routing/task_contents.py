"""The contents that the copies of one event ask people to decide. The batch stores each revision once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from notifications.cases.locking import TYPES_THAT_ASK
from notifications.forms.fields import Form, form_of
from notifications.models import Event, Task, TaskContent, TemplateVersion
from notifications.revisions.content import content_of, revision_of
from notifications.types import Json, behaviour_of
from wfpush.postgres import bulk


@dataclass
class TaskContents:
    """The contents of a task by template version. `task`: None if its copies ask nothing. `facts` are the argument of
    `content_of`."""

    event: Event
    task: Task | None
    facts: Json
    now: datetime
    stored: set[str] = field(default_factory=set)
    """Revisions whose contents need not be saved again."""
    unsaved: list[TaskContent] = field(default_factory=list)
    _revisions: dict[TemplateVersion | None, str] = field(default_factory=dict)

    def revision(self, version: TemplateVersion | None) -> str:
        """Return the revision that copies with this version show; empty: they ask nothing."""
        if self.task is None:
            return ""
        if version not in self._revisions:
            self._revisions[version] = self._add(self.task, content_of(self.task, self._form, version, self.facts))
        return self._revisions[version]

    @cached_property
    def _form(self) -> Form | None:
        return form_of(self.task.data) if self.task is not None else None

    def _add(self, task: Task, content: Json) -> str:
        row = bulk.new(
            TaskContent,
            task=task,
            revision=revision_of(content),
            content=content,
            event=self._origin(task),
            created_at=self.now,
        )
        if row.revision not in self.stored:
            self.unsaved.append(row)
        return row.revision

    def _origin(self, task: Task) -> Json:
        """Return the CloudEvent of the content. The product's own events change none, so it is the assigning one."""
        assigning = task._state.fields_cache.get("assigned_event")
        event = self.event if behaviour_of(self.event.type) in TYPES_THAT_ASK or assigning is None else assigning
        return {"id": event.event_id, "source": event.source}


def save(batch: Iterable[TaskContents]) -> None:
    """Insert the unsaved contents. A row that exists already, from other copies or an earlier time, stays."""
    batch = [*batch]
    bulk.insert([row for contents in batch for row in contents.unsaved], ignore_conflicts=True)
    for contents in batch:
        contents.unsaved = []
