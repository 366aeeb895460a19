"""SLAs at a glance: what was on time, what is under way, what is late now."""

from datetime import timedelta

from django.test import Client
from django.urls import reverse

from tests.admin import sla
from tests.admin.pages import text_of
from tests.admin.world import World

PAGE = reverse("admin:escalations_escalation_sla")


def test_the_page_says_what_is_late(evening: World, root: Client) -> None:
    sla.assign(evening, "T-1", evening.now - timedelta(hours=3))
    assert "Late now 1 of 2 under way" in text_of(root.get(PAGE))
