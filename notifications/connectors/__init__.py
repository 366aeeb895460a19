"""The engine kinds there are: one list."""

from notifications.connectors.base import Connector
from notifications.connectors.webhook import Webhook

CONNECTORS: tuple[Connector, ...] = (Webhook(),)


def connector_for(kind: str) -> Connector:
    """Raises KeyError for a kind that does not exist."""
    return {connector.kind: connector for connector in CONNECTORS}[kind]
