"""Authenticator apps of the tests, and what people do on the pages."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from tests.factories import PASSWORD

WRONG = "000000"


def add_app(user: User) -> str:
    """Give the user an authenticator app and recovery codes, as the pages do. Return its secret."""
    secret = auth.generate_totp_secret()
    auth.TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def code(secret: str) -> str:
    """Return what the app shows now."""
    return auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))


def wrong_code(secret: str) -> str:
    """Return a code that is right in no half minute near this one."""
    now = int(time.time()) // 30
    near = {auth.format_hotp_value(auth.hotp_value(secret, now + step)) for step in range(-3, 4)}
    return next(each for each in (f"{number:06}" for number in range(8)) if each not in near)


def recovery_codes(user: AbstractBaseUser) -> list[str]:
    row = Authenticator.objects.get(user_id=user.pk, type=Authenticator.Type.RECOVERY_CODES)
    codes: list[str] = row.wrap().get_unused_codes()
    return codes


def give_password(browser: Client, name: str, back: str = "/", **more: Any) -> HttpResponse:
    response: Any = browser.post("/sign-in", {"username": name, "password": PASSWORD, "next": back}, **more)
    return response


def give_code(browser: Client, value: str, **more: Any) -> HttpResponse:
    response: Any = browser.post("/sign-in/factor", {"code": value}, **more)
    return response


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session
