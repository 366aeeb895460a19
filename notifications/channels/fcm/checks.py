"""Finds faults that prevent messages to registered apps: for `manage.py doctor`."""

from collections.abc import Callable, Iterator
from functools import partial

from django.conf import settings
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from notifications.channels.fcm.config import DEFAULT, ServiceAccount
from notifications.channels.fcm.facts import FACTS
from notifications.channels.fcm.projects import SCOPE, SIGN_IN_SECONDS
from notifications.channels.fcm.sending import not_signed_in
from notifications.errors import ServiceRefuses
from notifications.models import Brand, Device


def diagnose(say: Callable[[str], object]) -> Iterator[str]:
    accounts: dict[str, ServiceAccount] = settings.FIREBASE_CREDENTIALS
    projects = {account.project_id: account for account in accounts.values()}
    yield from _brands(accounts, say)
    apps = Device.objects.filter(channel=FACTS.name)
    if orphans := apps.exclude(sender__in=projects).count():
        yield (
            f"{orphans} apps registered under Firebase projects that FIREBASE_CREDENTIALS no longer has: put their"
            " service accounts back, or remove the apps."
        )
    for account in projects.values():
        yield from _signs_in(account, say)


def _brands(accounts: dict[str, ServiceAccount], say: Callable[[str], object]) -> Iterator[str]:
    """Say which project sends for each brand; yield misspelt brands, which would silently get the default one."""
    slugs = sorted(Brand.objects.values_list("slug", flat=True))
    for slug in slugs if accounts else ():
        account = accounts.get(slug) or accounts.get(DEFAULT)
        how = f"Firebase project {account.project_id}" if account else "no Firebase project"
        say(f"Brand {slug}: {how}{'' if slug in accounts or account is None else ', that of all others'}")
    for unknown in sorted(accounts.keys() - {DEFAULT, *slugs}):
        yield f"FIREBASE_CREDENTIALS names the brand {unknown}, which there is not: write the slug of a brand."


def _signs_in(account: ServiceAccount, say: Callable[[str], object]) -> Iterator[str]:
    """Sign in to Google. Only a sign-in shows that a key was deleted or an account was disabled."""
    try:
        credentials: Credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            account.info, scopes=[SCOPE]
        )
        credentials.refresh(partial(Request(), timeout=SIGN_IN_SECONDS))  # type: ignore[no-untyped-call]
    except GoogleAuthError as fault:
        error = not_signed_in(fault, account.project_id)
        if isinstance(error, ServiceRefuses):
            yield str(error.reason)
        else:
            say(f"note: {error.reason}")
