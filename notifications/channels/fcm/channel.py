from collections.abc import Callable, Iterator
from importlib import import_module

from notifications.channels.base import DeviceChannel
from notifications.channels.fcm import claims
from notifications.channels.fcm.facts import FACTS
from notifications.channels.fcm.identity import identity
from notifications.channels.fcm.registration import REGISTRATION
from notifications.channels.fcm.transport import Fcm


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    """Import the checks only when they run: they import the transport."""
    problems: Iterator[str] = import_module("notifications.channels.fcm.checks").diagnose(say)
    return problems


CHANNEL = DeviceChannel(
    facts=FACTS,
    transport=Fcm(),
    registration=REGISTRATION,
    at=claims.at,
    elsewhere=claims.elsewhere,
    diagnose=diagnose,
    identity=identity,
)
