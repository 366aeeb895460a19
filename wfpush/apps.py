from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as django_admin
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.utils.translation import gettext_lazy as _

from wfpush.checks import DEPLOY
from wfpush.config import lean_imports
from wfpush.postgres import schema

for _library in ("rest_framework.compat", "django_q.conf"):  # models import them by what they use
    lean_imports.load(_library)


class ProjectConfig(AppConfig):
    name = "wfpush"
    label = "wfpush"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(schema.check_before_migrating, checks.Tags.database)
        for check in DEPLOY:
            checks.register(check, checks.Tags.security, deploy=True)


class AdminConfig(django_admin.SimpleAdminConfig):
    """The admin at /admin, with our overview page (wfpush/admin.py).

    Its classes are loaded with the URLs (wfpush/urls.py), and to be checked: worker, cluster and dispatchers start
    sooner without them, and stay smaller.
    """

    default = False  # `wfpush` alone means ProjectConfig
    default_site = "wfpush.admin.Site"

    def ready(self) -> None:
        checks.register(check_admin, checks.Tags.admin)


def check_admin(*arguments: Any, **more: Any) -> list[checks.CheckMessage]:
    """Django's checks of the admin and all its classes, which may not be loaded yet."""
    admin.autodiscover()
    return [*check_dependencies(*arguments, **more), *check_admin_app(*arguments, **more)]
