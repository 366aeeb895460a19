"""People and teams, their ways in, devices, absences and duty."""

from typing import Any

from rest_framework import serializers

from notifications.api.shown.base import PersonName, Shown
from notifications.channel_facts import device_channels
from notifications.models import LockScreen, OpenItems


class PersonShown(Shown):
    """Of internal people, keys without the scope directory see the first five members."""

    ref = serializers.CharField()
    name = serializers.CharField()
    locale = serializers.CharField()
    timezone = serializers.CharField()
    external = serializers.BooleanField()
    email = serializers.CharField(allow_null=True, required=False)
    phone = serializers.CharField(allow_null=True, required=False)
    manager = serializers.CharField(allow_null=True, required=False)
    teams = serializers.ListField(child=serializers.CharField(), required=False)
    brand = serializers.CharField(allow_null=True, required=False)


class TeamShown(Shown):
    slug = serializers.CharField()
    name = serializers.CharField()
    lead = serializers.CharField(allow_null=True)
    members = serializers.ListField(child=serializers.CharField())


class TokenShown(Shown):
    token = serializers.CharField(help_text="Shown this once.")
    expires_at = serializers.DateTimeField()


class LinkShown(Shown):
    url = serializers.URLField()
    expires_at = serializers.DateTimeField()


class AbsencePartShown(Shown):
    category = serializers.CharField(allow_null=True)
    engine = serializers.CharField(allow_null=True)
    case_type = serializers.CharField(allow_null=True)
    delegate = PersonName(allow_null=True)


class AbsenceTimes(Shown):
    to = serializers.DateTimeField(allow_null=True)
    delegate = PersonName(allow_null=True)
    open_items = serializers.ChoiceField(OpenItems.choices, allow_null=True)
    give_back = serializers.BooleanField()

    def get_fields(self) -> dict[str, Any]:
        """With `from`, which is a keyword in Python."""
        return {"from": serializers.DateTimeField(allow_null=True), **super().get_fields()}


class AbsenceShown(AbsenceTimes):
    """All null: the person is there, and will be."""

    parts = AbsencePartShown(many=True, help_text="Other delegates for some of it; the first that fits counts.")
    calendar = AbsenceTimes(allow_null=True, help_text="Now or next, as the person's calendar says.")


class RotaName(Shown):
    slug = serializers.CharField()
    name = serializers.CharField()
    team = serializers.CharField(help_text="The slug of the team.")


class Gap(Shown):
    to = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateTimeField(), **super().get_fields()}


class NextOnDuty(Shown):
    person = PersonName()

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.DateTimeField()}


class OnDutyShown(Shown):
    rota = RotaName()
    at = serializers.DateTimeField()
    person = PersonName(allow_null=True, help_text="Null: nobody.")
    stands_in = PersonName(allow_null=True, help_text="The delegate, where the person is away.")
    until = serializers.DateTimeField(allow_null=True, help_text="The next hand-over, or the end of the gap.")
    next = NextOnDuty(allow_null=True)
    next_gap = Gap(allow_null=True, help_text="Within 100 days.")


class DeviceId(Shown):
    id = serializers.UUIDField()


class DeviceShown(Shown):
    id = serializers.UUIDField()
    channel = serializers.ChoiceField(device_channels())
    name = serializers.CharField()
    platform = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField()
    current = serializers.BooleanField(help_text="Registered by this session or token.")
    lock_screen = serializers.ChoiceField(LockScreen.values)
    silent = serializers.BooleanField()


class DevicePage(Shown):
    items = DeviceShown(many=True)
    next = serializers.CharField(allow_null=True, help_text="Always null: all devices are on one page.")
