from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TeamTimeConfig(AppConfig):
    name = "escalations.team_time"
    label = "team_time"
    verbose_name = _("Desk")
