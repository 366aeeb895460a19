"""The same done to the product and to the model, one thing after the other."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Min

from notifications.delivery import claims
from notifications.intake import cloudevents
from notifications.models import (
    Absence,
    Category,
    CategoryChoice,
    Delivery,
    Device,
    Engine,
    Event,
    Notification,
    Preferences,
    QuietHours,
    Recipient,
)
from notifications.people import devices
from notifications.preferences import change_effects
from notifications.rotas import notices
from notifications.rotas.models import Rota, RotaOverride, RotaSwap, SwapState
from notifications.rotas.swaps import CannotSwap, SwapProposal
from notifications.rotas.turns import Shift
from notifications.routing import pipeline
from notifications.types import Json
from tests.flows.peace_duty import DutyOverride, DutySwap
from tests.flows.peace_model import LASTS, PAUSE, Message, Model, Open
from tests.support.devices import PushHost, dispatch
from tests.support.world import World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ON_DUTY = "com.acme.duty"
"""Of events for whoever is on duty."""


@dataclass
class Story:
    """The same done to the product and to the model."""

    world: World
    host: PushHost
    begins: datetime
    model: Model
    updates: int = 0
    browsers: int = 0

    # --- the clock ----------------------------------------------------------------------------------
    def due(self, minute: int) -> int | None:
        """When somebody has something to do: the worker, or whoever looks who is on duty."""
        due = Delivery.objects.aggregate(first=Min("due_at"))["first"]
        sends = None if due is None else max(minute, -(-(due - self.begins) // MINUTE))
        looks = self.model.duty.next_look(minute, LASTS)
        return min((each for each in (sends, looks) if each is not None), default=None)

    def at(self, minute: int) -> datetime:
        return self.begins + minute * MINUTE

    def run(self, minute: int) -> None:
        self.world.run()
        while claims.has_due_for_devices(self.at(minute)):
            dispatch()
            self.world.run()
        self.model.minute(minute)

    def look(self, minute: int) -> None:
        """The worker's look of that minute."""
        if minute < LASTS:
            notices.tell_of_hand_overs(self.at(minute))
            if (who := self.model.duty.look(minute)) is not None:
                self._hears(self.model.stand_in(who), "You are on duty for Claims", minute)
        self.run(minute)

    def do(self, minute: int, doing: tuple[Any, ...]) -> None:
        name, *about = doing
        getattr(self, name)(minute, *about)
        self.run(minute)

    # --- events -------------------------------------------------------------------------------------
    def _send(self, minute: int, type: str, data: Json) -> None:
        """What is sent is first tried at the desk: the same rows are foreseen."""
        event = {"specversion": "1.0", "id": "tried", "source": "invoices", "type": type, "data": data}
        tried = pipeline.dry_run(Engine.objects.get(), cloudevents.structured(event), self.at(minute))
        foreseen = tried.plan.as_json()
        self.world.post("/api/v1/events", {**event, "id": f"{minute}-{self.updates}-{Event.objects.count()}"})
        pipeline.drain()
        assert _rows(foreseen) == _rows(Event.objects.latest("id").plan)

    def _hears(self, who: str, title: str, minute: int) -> None:
        self.model.told(Message(who, title, None, urgent=False), minute)

    def task(self, minute: int, who: str, which: int, priority: str) -> None:
        if which in self.model.tasks:
            return
        title = f"Approve {which}-{minute}"
        data = {"id": f"T-{which}-{minute}", "name": title, "assignee": who, "priority": priority}
        self._send(minute, "task.assigned", {"task": data})
        hears = self.model.stand_in(who)
        self.model.tasks[which] = Open(data["id"], who, [hears], title, priority == "urgent")
        self.model.told(Message(hears, title, which, priority == "urgent"), minute)

    def rise(self, minute: int, which: int) -> None:
        task = self.model.tasks.get(which)
        if task is not None and not task.urgent:
            task.urgent = True
            self._send(minute, "task.updated", {"task": {"id": task.id, "priority": "urgent"}})
            if (stands_in := self.model.stand_in(task.assignee)) not in task.holders:
                task.holders.append(stands_in)
            for who in task.holders:
                self.model.told(Message(who, task.title, which, urgent=True), minute)

    def update(self, minute: int, who: str) -> None:
        self._update(minute, "case.status_changed", self.model.stand_in(who), recipients=[who])

    def on_duty(self, minute: int) -> None:
        self._update(minute, ON_DUTY, self.model.told_of_duty(minute))

    def _update(self, minute: int, type: str, hears: str | None, **more: Any) -> None:
        self.updates += 1
        case = {"id": f"C-{self.updates}", "title": f"Claim {self.updates}", "status": "approved"}
        self._send(minute, type, {"case": case, **more})
        if hears is not None:
            title = Notification.objects.latest("created_at", "id").title
            assert case["title"] in title
            self._hears(hears, title, minute)

    def withdraw(self, minute: int, which: int) -> None:
        if task := self.model.tasks.get(which):
            self._send(minute, "task.cancelled", {"task": {"id": task.id}})
            self._ended(which)

    def answer(self, minute: int, which: int) -> None:
        if task := self.model.tasks.get(which):
            who = task.holders[-1]
            items = (each for each in self.world.inbox(who) if each["task"])
            item = next(each for each in items if each["task"]["id"] == task.id)
            said = {"action": "approve"}
            done = self.world.ask("post", f"/api/v1/notifications/{item['id']}/responses", who, said)
            assert done.status_code == 201, done.content
            self._ended(which)

    def _ended(self, which: int) -> None:
        del self.model.tasks[which]
        self.model.waiting = [each for each in self.model.waiting if each.about != which]

    # --- what people choose -------------------------------------------------------------------------
    def quiet(self, minute: int, who: str, windows: list[Any]) -> None:
        self.model.people[who].choose(windows)
        person = Recipient.objects.get(ref=who)
        QuietHours.objects.filter(recipient=person).delete()
        for days, begins, ends in windows:
            QuietHours.objects.create(recipient=person, days=sorted(days), begins=begins, ends=ends)
        self._changed(minute, person)

    def limit(self, minute: int, who: str, most: int | None) -> None:
        self.model.people[who].limit = most
        person = Recipient.objects.get(ref=who)
        Preferences.objects.update_or_create(recipient=person, defaults={"most_an_hour": most})
        self._changed(minute, person)

    def together(self, minute: int, who: str, frequency: str, times: list[time]) -> None:
        self.model.people[who].together, self.model.people[who].digest_times = frequency, times
        person = Recipient.objects.get(ref=who)
        Preferences.objects.update_or_create(recipient=person, defaults={"digest_times": times, "repeat_pause": PAUSE})
        self._choose(minute, person, frequency=frequency)

    def wants(self, minute: int, who: str, way: str, wanted: bool) -> None:
        ways = self.model.people[who].ways
        ways[way].wanted = wanted
        channels = {"email": ways["email"].wanted, "webpush": ways["push"].wanted}
        self._choose(minute, Recipient.objects.get(ref=who), channels=channels)

    def _choose(self, minute: int, person: Recipient, **values: Any) -> None:
        for category in Category.objects.all():
            CategoryChoice.objects.update_or_create(recipient=person, category=category, defaults=values)
        self._changed(minute, person)

    def _changed(self, minute: int, person: Recipient) -> None:
        change_effects.apply(person, self.at(minute))
        self.model.changed(person.ref, minute)

    def away(self, minute: int, who: str, away: str) -> None:
        self.model.people[who].away = away
        person, other = Recipient.objects.get(ref=who), Recipient.objects.exclude(ref__in=[who, "alice"]).get()
        Absence.objects.filter(recipient=person).delete()
        if away:
            delegate, now = other if away == "delegate" else None, self.at(minute)
            Absence.objects.create(recipient=person, begins_at=now, ends_at=now + 90 * DAY, delegate=delegate)

    def browser(self, minute: int, who: str, state: str) -> None:
        person, known = Recipient.objects.get(ref=who), self.model.people[who]
        if state == "on" and not known.browser:
            self.browsers += 1
            self.host.subscribe(person, f"{who}-{self.browsers}")
            known.browser = "on"
            known.ways["push"].got, known.ways["push"].updates = [], []
        elif state == "gone" and known.browser:
            known.browser = "gone"
            self.host.gone |= {name for name in self.host.names if name.startswith(who)}
        elif not state and known.browser:
            with transaction.atomic():
                devices.remove(Device.objects.filter(recipient=person), devices.SIGNED_OUT, self.at(minute))
            self.model.browser_ended(who, minute)

    # --- duty ---------------------------------------------------------------------------------------
    def override(self, minute: int, layer: int | None, who: str | None, after: int, lasts: int) -> None:
        first = minute + after
        person = Recipient.objects.get(ref=who) if who else None
        times = {"begins_at": self.at(first), "ends_at": self.at(first + lasts)}
        RotaOverride.objects.create(rota=Rota.objects.get(), layer=layer, person=person, **times)
        self.model.duty.overrides.append(DutyOverride(layer, first, first + lasts, who))
        self.model.duty.changed(minute)

    def swap(self, minute: int, most: int, in_return: bool) -> None:
        """Whoever is on duty asks the other."""
        duty = self.model.duty
        who = duty.first(minute)
        if who is None or (duty.asked is not None and duty.asked.given[1] > minute):
            return
        other = {"bob": "carol", "carol": "bob"}[who]
        back = duty.next_of(other, minute, LASTS) if in_return else None
        asked = DutySwap(who, other, duty.stretch(minute, most), back)
        by, of = (Recipient.objects.get(ref=ref) for ref in (who, other))
        shifts = [Shift(self.at(time[0]), self.at(time[1]), whose) for time, whose in _halves(asked, by, of)]
        notices.ask_for_swap(SwapProposal(Rota.objects.get(), of, *shifts), by, self.at(minute))
        duty.asked = asked
        self._hears(other, f"{by} asks you to take over duty for Claims", minute)

    def swapped(self, minute: int, state: str) -> None:
        duty = self.model.duty
        if (asked := duty.asked) is None:
            return
        by, of = (Recipient.objects.get(ref=ref) for ref in (asked.asked_by, asked.asked_of))
        answers, hears = (by, of) if state == "withdrawn" else (of, by)
        if not self._can(asked, state, minute):
            with pytest.raises(CannotSwap):
                notices.answer_swap(RotaSwap.objects.latest("asked_at").pk, answers, SwapState(state), self.at(minute))
            return
        notices.answer_swap(RotaSwap.objects.latest("asked_at").pk, answers, SwapState(state), self.at(minute))
        duty.asked = None
        if state == "accepted":
            asked.from_now(minute)
            duty.swaps.append((*asked.given, asked.asked_by, asked.asked_of))
            duty.swaps += [(*asked.back, asked.asked_of, asked.asked_by)] if asked.back else []
            duty.changed(minute)
        self._hears(hears.ref, SAID[state] % {"by": by, "of": of}, minute)

    def _can(self, asked: DutySwap, state: str, minute: int) -> bool:
        duty = self.model.duty
        if asked.given[1] <= minute or state != "accepted":
            return asked.given[1] > minute
        gives = duty.has(asked.asked_by, asked.given, minute)
        return gives and (asked.back is None or duty.has(asked.asked_of, asked.back, minute))


SAID = {
    "accepted": "%(of)s takes over your duty for Claims",
    "declined": "%(of)s cannot take over your duty for Claims",
    "withdrawn": "%(by)s no longer asks you to take over duty for Claims",
}


def _halves(asked: DutySwap, by: Recipient, of: Recipient) -> Iterator[tuple[tuple[int, int], int]]:
    yield asked.given, by.pk
    if asked.back is not None:
        yield asked.back, of.pk


def _rows(plan: Json) -> list[Any]:
    """Of a trace what does not change from one try to the next."""
    told = [(each["ref"], each["reason_fact"], each["title"], each["channels"]) for each in plan.get("recipients", [])]
    return [told, plan.get("unresolved"), [(each["name"], each["matched"]) for each in plan.get("routes", [])]]
