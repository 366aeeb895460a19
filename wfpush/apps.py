from django.apps import AppConfig
from django.contrib.admin import apps as django_admin
from django.core import checks
from django.utils.translation import gettext_lazy as _

from wfpush.checks import DEPLOY
from wfpush.postgres import schema


class ProjectConfig(AppConfig):
    name = "wfpush"
    label = "wfpush"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(schema.check_before_migrating, checks.Tags.database)
        for check in DEPLOY:
            checks.register(check, checks.Tags.security, deploy=True)


class AdminConfig(django_admin.AdminConfig):
    """The admin at /admin, with our overview page (wfpush/admin.py)."""

    default = False  # `wfpush` alone means ProjectConfig
    default_site = "wfpush.admin.Site"
