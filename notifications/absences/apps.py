from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AbsencesConfig(AppConfig):
    name = "notifications.absences"
    label = "absences"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
