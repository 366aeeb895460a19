from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

ORDER = 100
"""The clock's position among the observers of tasks."""


class EscalationsConfig(AppConfig):
    name = "escalations"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported by name, because models cannot be imported before now.
        import_module("escalations.kinds")
        clock = import_module("escalations.clocks.clock")
        import_module("notifications.cases.lifecycle").register(
            self.name, clock.observe, order=ORDER, look_up=clock.look_up, stands_still=clock.is_paused
        )
        import_module("notifications.preferences.lookup").register_holidays(
            import_module("escalations.policies.matching").holidays_of
        )
        for source in import_module("escalations.clocks.due_steps").SOURCES:
            import_module("wfpush.queue.outbox").register(source)
