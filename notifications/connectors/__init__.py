"""Engine kinds, one file each, and how we sign in and sign calls. A new kind is its file and its line here.

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
"""By kind, in the order in which people choose."""


def labels() -> list[tuple[str, str]]:
    """Each kind and its name."""
    return [(connector.kind, connector.label) for connector in CONNECTORS.values()]


def presets() -> dict[str, Connector]:
    """By kind, those that have a mapping of their engines' JSON."""
    return {kind: connector for kind, connector in CONNECTORS.items() if connector.preset}


def readable() -> list[str]:
    """Kinds whose tasks can be read."""
    return [kind for kind, connector in CONNECTORS.items() if isinstance(connector, RestConnector)]


def connector_for(kind: str) -> Connector:
    """Raises KeyError for a kind that does not exist."""
    return CONNECTORS[kind]


def reader_for(kind: str) -> RestConnector | None:
    """The connector of a kind whose tasks can be read; None for one whose cannot. Raises KeyError."""
    connector = connector_for(kind)
    return connector if isinstance(connector, RestConnector) else None
