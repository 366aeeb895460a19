from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignOnConfig(AppConfig):
    name = "notifications.sign_on"
    label = "sign_on"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
