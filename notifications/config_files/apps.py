from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConfigFilesConfig(AppConfig):
    name = "notifications.config_files"
    label = "config_files"
    verbose_name = _("Configuration as files")
    default_auto_field = "django.db.models.BigAutoField"
