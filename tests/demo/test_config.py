"""Settings from the environment: what is missing or wrong is named."""

import base64
from pathlib import Path

import pytest

from demo.config import ConfigError, Settings
from tests.demo.service import SECRET

GOOD = {"WFPUSH_API_KEY": "wfp_key", "WFPUSH_SIGNING_SECRET": SECRET, "DEMO_DATA": "/var/lib/demo"}


def test_three_settings_are_enough() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.port == 8001
    assert settings.base_url == "http://127.0.0.1:8001"
    assert settings.wfpush_url == "http://127.0.0.1:8000"
    assert settings.data == Path("/var/lib/demo")


def test_addresses_may_be_given() -> None:
    more = {"DEMO_PORT": "9001", "WFPUSH_URL": "https://push.example/", "DEMO_BASE_URL": "http://demo.example"}
    settings = Settings.from_env(GOOD | more)
    assert (settings.port, settings.wfpush_url) == (9001, "https://push.example")
    assert settings.base_url == "http://demo.example"


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} is not set"):
        Settings.from_env({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEMO_PORT", "eighty"),
        ("DEMO_PORT", "0"),
        ("DEMO_PORT", "70000"),
        ("WFPUSH_URL", "push.example"),
        ("DEMO_BASE_URL", "ftp://demo.example"),
        ("WFPUSH_SIGNING_SECRET", "whsec_"),
        ("WFPUSH_SIGNING_SECRET", "whsec_***"),
        ("WFPUSH_SIGNING_SECRET", "whsec_" + base64.b64encode(b"short").decode()),
        ("WFPUSH_SIGNING_SECRET", SECRET.removeprefix("whsec_")),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        Settings.from_env(GOOD | {name: value})
    if "SECRET" in name and len(value) > 10:
        assert value not in str(caught.value)
