"""How administrators choose channels, and what became of messages by each."""

from notifications.models import Category, Recipient, Route
from tests.support.world import World


def channels(*names: str) -> None:
    Category.objects.update(channels=["live", *names])


def told(world: World, trace: str) -> dict[str, tuple[str, str | None]]:
    """Channel to state and reason."""
    return {each["channel"]: (each["state"], each["reason"]) for each in world.get(trace)["deliveries"]}


def only_bob_is_told() -> None:
    """By the one route that there is."""
    Route.objects.exclude(name="Tasks").update(enabled=False)
    targets = Route.objects.get(name="Tasks").targets
    targets.all().delete()
    targets.create(kind="person", person=Recipient.objects.get(ref="bob"))
