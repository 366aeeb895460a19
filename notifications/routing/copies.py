"""Open copies of the tasks that a transaction changes, read once for all of them, with what rewording needs."""

from collections.abc import Iterable
from uuid import UUID

from notifications.items import inbox_items
from notifications.models import Notification, Task
from notifications.wording import batch_render


class Copies:
    """Copies of locked tasks: who has one, and its state, cannot change until the transaction ends.

    What people do with a copy alone, such as reading it, may change it until they are locked, too.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._by_task: dict[UUID, list[Notification]] = {task.pk: [] for task in tasks}
        if not self._by_task:
            return
        rows = list(
            inbox_items.standing(self._by_task)
            .select_related("recipient__brand", "recipient__manager", "brand", "category", "route")
            .order_by("recipient_id")
        )
        versions = batch_render.versions({row.template_version_id for row in rows if row.template_version_id})
        for row in rows:
            row.template_version = versions.get(row.template_version_id or 0)
            assert row.task_id is not None
            self._by_task[row.task_id].append(row)

    def of(self, task: Task) -> list[Notification]:
        """By their people's keys; empty for a task that was not known when this was made."""
        return self._by_task.get(task.pk, [])

    def all(self) -> Iterable[Notification]:
        return (row for rows in self._by_task.values() for row in rows)
