from django.contrib import admin

from notifications.admin.desk.base import DeskAdmin
from tests.features.bells.models import Bell


@admin.register(Bell)
class BellAdmin(DeskAdmin):
    empty_says = "Who has a bell. Nobody has: add the first one."
    list_display = ["name", "person"]
