"""Accounts with operators' keys."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from notifications.config_files import operator_keys
from notifications.roles import ADMINISTRATORS
from tests.admin.conftest import member_of
from tests.support.api import Caller

ADDRESS = "/api/v1/configuration"


def key_of(user: User) -> str:
    return operator_keys.issue(user, name="CI", expires_at=timezone.now() + timedelta(days=30))[1]


def administrator() -> tuple[User, Caller]:
    user = member_of(ADMINISTRATORS)
    return user, Caller(key_of(user))
