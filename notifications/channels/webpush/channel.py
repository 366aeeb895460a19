from notifications.channels.base import BrandKeys, DeviceChannel
from notifications.channels.webpush import brand_keys, claims, vapid_command
from notifications.channels.webpush.checks import alarms, diagnose
from notifications.channels.webpush.facts import FACTS
from notifications.channels.webpush.registration import REGISTRATION
from notifications.channels.webpush.transport import WebPush

CHANNEL = DeviceChannel(
    facts=FACTS,
    transport=WebPush(),
    learn=brand_keys.learn,
    registration=REGISTRATION,
    at=claims.at,
    elsewhere=claims.elsewhere,
    diagnose=diagnose,
    alarms=alarms,
    keys=BrandKeys(of=brand_keys.shown, make=brand_keys.make, remove_unused=brand_keys.remove_unused),
    commands={"vapid": vapid_command.Command},
)
