from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReplaysConfig(AppConfig):
    name = "notifications.replays"
    label = "replays"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
