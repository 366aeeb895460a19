"""Subscriptions that browsers hand in: what could never work, or would lead inside, is refused."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from py_vapid.utils import b64urlencode
from pytest_django import Settings

from notifications.channels.webpush.config import allowed_hosts
from notifications.channels.webpush.endpoints import BadSubscription, check_subscription
from tests.support.engines import LOOPBACK
from wfpush.config.env import Environment
from wfpush.security import vapid_keys

POINT = vapid_keys.public_key(vapid_keys.load(vapid_keys.new_private_key()))
AUTH = b64urlencode(bytes(range(16)))
FIREFOX = "https://updates.push.services.mozilla.com/wpush/v2/gAAAA"


def refusal(endpoint: str = FIREFOX, p256dh: str = POINT, auth: str = AUTH) -> BadSubscription:
    with pytest.raises(BadSubscription) as caught:
        check_subscription(endpoint, p256dh, auth)
    return caught.value


@pytest.mark.parametrize(
    "endpoint",
    [
        FIREFOX,
        "https://fcm.googleapis.com/fcm/send/d1:APA91b",
        "https://wns2-by3p.notify.windows.com/w/?token=BQYAAAA%3d",
        "https://web.push.apple.com/QGuQyavXutnMfjq1ON8N",
        "https://UPDATES.push.services.mozilla.com:443/wpush/v2/gAAAA",
    ],
)
def test_every_browsers_push_service_is_known(endpoint: str) -> None:
    check_subscription(endpoint, POINT, AUTH)
    check_subscription(endpoint, POINT + "=", AUTH + "==")


@pytest.mark.parametrize(
    ("endpoint", "hint"),
    [
        ("http://fcm.googleapis.com/fcm/send/d1", "must begin with https://"),
        ("ftp://fcm.googleapis.com/fcm/send/d1", "must begin with https://"),
        ("fcm.googleapis.com/fcm/send/d1", "must begin with https://"),
        ("", "must begin with https://"),
        ("https:///fcm/send/d1", "names no host"),
        ("https://bob:secret@fcm.googleapis.com/1", "user name or password"),
        ("https://fcm.googleapis.com/" + "x" * 2048, "longer than 2048 characters"),
        ("https://evil.example/1", "evil.example is not a push service that is known here"),
        ("https://script.google.com/macros/s/1/exec", "script.google.com is not a push service"),
        ("https://storage.googleapis.com/bucket/1", "not a push service"),
        ("https://fcm.googleapis.com:8443/fcm/send/1", "fcm.googleapis.com:8443 is not a push service"),
        ("https://web.push.apple.com:22/1", "not a push service"),
        ("https://evil.push.services.mozilla.com/1", "not a push service"),
        ("https://notify.windows.com/1", "not a push service"),
        ("https://evilnotify.windows.com/1", "not a push service"),
        ("https://evilgoogle.com/1", "not a push service"),
        ("https://google.com/1", "not a push service"),
        ("https://fcm.googleapis.com.evil.example/1", "not a push service"),
        ("https://evil.example/fcm.googleapis.com", "not a push service"),
        ("https://evil.example#.google.com", "not a push service"),
        ("https://8.8.8.8/1", "not a push service"),
        ("https://127.0.0.1/1", "not a public one"),
        ("https://127.1/1", "not a public one"),
        ("https://localhost/1", "not a public one"),
        ("https://2130706433/1", "not a public one"),
        ("https://[::ffff:127.0.0.1]/1", "not a public one"),
        ("https://[::1]/1", "not a public one"),
        ("https://169.254.169.254/latest/meta-data", "not a public one"),
        ("https://10.1.2.3/1", "not a public one"),
        ("https://fcm.googleapis.com:0/1", "Port 0"),
        ("https://fcm.googleapis.com/1\r\nHost: inside", "control character"),
    ],
)
def test_an_endpoint_that_leads_elsewhere_is_refused(endpoint: str, hint: str) -> None:
    fault = refusal(endpoint=endpoint)

    assert fault.pointer == "/endpoint"
    assert hint in fault.detail


def test_networks_of_engines_open_nothing_here(settings: Settings) -> None:
    settings.OUTBOUND_ALLOWED_CIDRS = LOOPBACK

    assert "not a public one" in refusal(endpoint="https://127.0.0.1/1").detail


def test_in_tests_push_services_may_live_on_this_machine(settings: Settings) -> None:
    settings.PUSH_ALLOWED_CIDRS = LOOPBACK

    check_subscription("http://127.0.0.1:8080/push/1", POINT, AUTH)
    check_subscription("https://localhost:8443/push/1", POINT, AUTH)
    assert "must begin with https://" in refusal(endpoint="http://fcm.googleapis.com/1").detail
    assert "not a public one" in refusal(endpoint="http://10.1.2.3/1").detail


def test_the_list_of_hosts_is_the_operators(settings: Settings) -> None:
    settings.PUSH_ALLOWED_HOSTS = ["push.acme.example"]

    check_subscription("https://push.acme.example/1", POINT, AUTH)
    assert "not a push service" in refusal(endpoint="https://a.push.acme.example/1").detail
    assert "not a push service" in refusal(endpoint=FIREFOX).detail


def test_another_port_is_admitted_where_the_list_names_it(settings: Settings) -> None:
    settings.PUSH_ALLOWED_HOSTS = ["push.acme.example:8443", "jmt17.google.com"]

    check_subscription("https://push.acme.example:8443/1", POINT, AUTH)
    check_subscription("https://jmt17.google.com/fcm/send/d1:APA91b", POINT, AUTH)
    assert "not a push service" in refusal(endpoint="https://push.acme.example/1").detail
    assert "not a push service" in refusal(endpoint="https://jmt17.google.com:8443/1").detail


@pytest.mark.parametrize(
    "entry",
    ["*", "*.", "*.com", "https://push.example", "push.example/path", "push.example:0", "push.example:99999", "a b"],
)
def test_a_list_that_admits_anything_or_is_none_refuses_to_start(entry: str, tmp_path: Path) -> None:
    environment = Environment({"PUSH_ALLOWED_HOSTS": f"fcm.googleapis.com, {entry}"}, tmp_path)

    with pytest.raises(ImproperlyConfigured, match="PUSH_ALLOWED_HOSTS"):
        allowed_hosts(environment)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        (b64urlencode(b"\4" + bytes(range(64))), "no point on the curve P-256"),
        (b64urlencode(b"\4" + bytes(64)), "no point on the curve P-256"),
        (b64urlencode(b"\2" + vapid_keys.decode(POINT)[1:33]), "no uncompressed point of 65 bytes"),
        (b64urlencode(vapid_keys.decode(POINT) + b"\0"), "no uncompressed point of 65 bytes"),
        (b64urlencode(b"\0"), "no uncompressed point of 65 bytes"),
        ("", "no uncompressed point of 65 bytes"),
        (POINT[:-1] + "é", "not base64url"),
        ("not a key", "not base64url"),
    ],
    ids=["off the curve", "zeros", "compressed", "too long", "infinity", "nothing", "no ASCII", "no base64"],
)
def test_a_key_that_nothing_can_be_encrypted_for_is_refused(key: str, hint: str) -> None:
    fault = refusal(p256dh=key)

    assert fault.pointer == "/keys/p256dh"
    assert hint in fault.detail


@pytest.mark.parametrize(
    ("auth", "hint"),
    [("", "0 bytes instead of 16"), (b64urlencode(bytes(15)), "15 bytes instead of 16"), ("%%%", "not base64url")],
)
def test_a_secret_of_another_length_is_refused(auth: str, hint: str) -> None:
    fault = refusal(auth=auth)

    assert fault.pointer == "/keys/auth"
    assert hint in fault.detail
