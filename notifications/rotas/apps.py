from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RotasConfig(AppConfig):
    name = "notifications.rotas"
    label = "rotas"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
