"""Engines in files: secrets that must be given again, and what follows a change."""

from collections.abc import Collection, Iterator
from typing import Any

from django.utils import timezone

from notifications.admin.engines.engine_access import has_moved
from notifications.connectors import readable
from notifications.engines import changes
from notifications.models import Engine, EngineAccess

Body = dict[str, Any]
Path = tuple[str, ...]


class EngineHooks:
    @staticmethod
    def faults(engine: Engine, before: Body | None, after: Body, given: Collection[Path]) -> Iterator[tuple[Path, str]]:
        """Yield paths and sentences. `given`: the secrets that the file names; they count only with a value in the
        environment, which has been stored by now."""
        for name in ("access", "poll") if engine.kind not in readable() else ():
            if name in after:
                yield (name,), f"The kind “{engine.kind}” has no REST interface. Remove “{name}”."
        access = EngineAccess.objects.filter(engine=engine).first()
        if before is None or access is None or not access.__dict__["secret"] or ("access", "secret") in given:
            return
        if _would_leak(before, after):
            text = "The stored secret would go to another host. Name it as {secret: …}, and set it for this process."
            yield ("access",), text

    @staticmethod
    def after_change(engine: Engine, before: Body | None, after: Body) -> None:
        now, old = timezone.now(), after if before is None else before
        changed = [name for name in old | after if old.get(name) != after.get(name)]
        changes.before_saving(engine, changed)
        Engine.objects.filter(pk=engine.pk).update(
            callback_disabled_at=engine.callback_disabled_at,
            callback_disabled_reason_fact=engine.callback_disabled_reason_fact,
        )
        changes.after_saving(engine, changed, now)
        changes.after_saving_parts(engine, changed, now)


def _would_leak(before: Body, after: Body) -> bool:
    """Return whether a stored secret would be sent to another host, or as something else than it is."""
    old, new = before.get("access") or {}, after.get("access") or {}
    pairs = [(each.get("callback_url"), other.get("callback_url")) for each, other in [(before, after)]]
    pairs += [(old.get("token_url"), new.get("token_url"))]
    return any(has_moved(*pair) for pair in pairs) or old.get("auth") != new.get("auth")
