"""Tasks as engines write them, and the events that are made of them."""

import hashlib
import json

from notifications.connectors.rest import RestConnector
from notifications.models import Engine
from notifications.types import Json


def expressions_of(engine: Engine, connector: RestConnector) -> list[tuple[str, str]]:
    """The members of an event and their expressions: the engine's mapping, or the preset of its kind."""
    mapped = list(engine.event_mappings.values_list("member", "expression"))
    return mapped or list(connector.preset.items())


def digest_of(row: Json) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:32]
