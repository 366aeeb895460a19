from notifications.channels.base import DeviceChannel
from notifications.channels.fcm import claims
from notifications.channels.fcm.checks import diagnose
from notifications.channels.fcm.facts import FACTS
from notifications.channels.fcm.registration import REGISTRATION
from notifications.channels.fcm.transport import Fcm

CHANNEL = DeviceChannel(
    facts=FACTS,
    transport=Fcm(),
    registration=REGISTRATION,
    at=claims.at,
    elsewhere=claims.elsewhere,
    diagnose=diagnose,
)
