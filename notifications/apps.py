from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin import apps as django_admin
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core import checks
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from notifications.additions import FixedRows
from wfpush import features


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        for fixed in features.added(FixedRows):
            import_string(fixed.guard)()


class AdminConfig(django_admin.SimpleAdminConfig):
    """The admin at /admin, with our overview page (notifications/admin_site.py).

    Its classes are loaded with the URLs (notifications/urls.py), and for checks. Worker, cluster and dispatchers do not
    load them, so they start sooner and stay smaller.
    """

    default = False  # `notifications` alone means NotificationsConfig
    default_site = "notifications.admin_site.Site"

    def ready(self) -> None:
        checks.register(check_admin, checks.Tags.admin)


def check_admin(*arguments: Any, **more: Any) -> list[CheckMessage]:
    """Run Django's checks of the admin and all its classes, which may not be loaded yet."""
    admin.autodiscover()
    return [*check_dependencies(*arguments, **more), *check_admin_app(*arguments, **more)]
