"""How many pages of tables and indexes PostgreSQL reads for the statements of a block: the same on every machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

PLANNED = ("SELECT", "WITH", "UPDATE", "INSERT", "DELETE")


@dataclass
class PagesRead:
    statements: list[tuple[int, str, list[str]]] = field(default_factory=list)
    """Pages, statement and plan of each."""

    @property
    def total(self) -> int:
        return sum(pages for pages, _, _ in self.statements)

    def largest(self) -> str:
        """The statement that read most, with its plan."""
        pages, sql, plan = max(self.statements)
        return "\n".join([f"{pages} pages of {self.total}: {sql}", *plan])


@contextmanager
def pages_read() -> Iterator[PagesRead]:
    """Each statement runs twice: first with EXPLAIN, which is rolled back. In a transaction."""
    read = PagesRead()

    def explained(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.lstrip().startswith(PLANNED):
            with connection.connection.cursor() as cursor:
                cursor.execute("SAVEPOINT explained")
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, COSTS OFF) {sql}", params)
                plan = [line for (line,) in cursor.fetchall()]
                cursor.execute("ROLLBACK TO SAVEPOINT explained")
            read.statements.append((_pages(plan), sql, plan))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained):
        yield read


def _pages(plan: list[str]) -> int:
    """Of the topmost node, which counts those below it. Of statements that write, of what they read: how many pages
    their indexes take is a matter of chance."""
    nodes = [line for line in plan if "Buffers: shared" in line] or [""]
    buffers = nodes[1] if plan[0].startswith(("Update", "Insert", "Delete")) and len(nodes) > 1 else nodes[0]
    return sum(int(word.split("=")[1]) for word in buffers.split() if word.startswith(("hit=", "read=")))
