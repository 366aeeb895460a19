"""Engine kinds, one file each, with sign-in and signing of calls. A new kind is its file and its line here.

In: an engine's record, and an answer to tell or a task to read.
Out: calls of the engine's interface; its replies and failures as types of ours.
"""

from notifications.connectors.base import Connector
from notifications.connectors.camunda7 import Camunda7
from notifications.connectors.camunda8 import Camunda8
from notifications.connectors.flowable import Flowable
from notifications.connectors.opentext import OpenText
from notifications.connectors.rest import RestConnector
from notifications.connectors.webhook import Webhook

KINDS: tuple[Connector, ...] = (
    Webhook(),
    OpenText(),
    Flowable(),
    Camunda7(),
    Camunda8(),
)

CONNECTORS: dict[str, Connector] = {connector.kind: connector for connector in KINDS}
"""Connectors by kind, in the order in which people choose."""


def labels() -> list[tuple[str, str]]:
    """Return each kind and its name."""
    return [(connector.kind, connector.label) for connector in CONNECTORS.values()]


def presets() -> dict[str, Connector]:
    """Return the connectors that have a mapping of their engines' JSON, by kind."""
    return {kind: connector for kind, connector in CONNECTORS.items() if connector.preset}


def readable() -> list[str]:
    """Return the kinds whose tasks can be read."""
    return [kind for kind, connector in CONNECTORS.items() if isinstance(connector, RestConnector)]


def connector_for(kind: str) -> Connector:
    """Return the connector of a kind. Raises KeyError for a kind that does not exist."""
    return CONNECTORS[kind]


def reader_for(kind: str) -> RestConnector | None:
    """Return the connector of a kind whose tasks can be read; None for other kinds. Raises KeyError."""
    connector = connector_for(kind)
    return connector if isinstance(connector, RestConnector) else None
