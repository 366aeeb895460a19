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

CONNECTORS: tuple[Connector, ...] = (Webhook(), OpenText(), Flowable(), Camunda7(), Camunda8())

READABLE = [connector.kind for connector in CONNECTORS if isinstance(connector, RestConnector)]
"""Kinds whose tasks can be read."""


def connector_for(kind: str) -> Connector:
    """Raises KeyError for a kind that does not exist."""
    return {connector.kind: connector for connector in CONNECTORS}[kind]


def reader_for(kind: str) -> RestConnector | None:
    """The connector of a kind whose tasks can be read; None for one whose cannot."""
    connector = connector_for(kind)
    return connector if isinstance(connector, RestConnector) else None
