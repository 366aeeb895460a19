"""Puts a person into the tables of rotas, for the test of erasure (notifications/retention/tests/planting.py)."""

from datetime import timedelta

from django.utils import timezone

from notifications.models import Absence, Recipient, Team
from notifications.models.history import record_parts
from notifications.rotas import notices
from notifications.rotas.models import RotaFeed, RotaFeedShift, RotaSwap, SwapState
from notifications.rotas.swaps import SwapProposal
from notifications.rotas.tests.rotas import rota_of
from notifications.rotas.turns import Shift
from tests.support.world import World


def plant(world: World, person: Recipient) -> None:
    """They are on duty now, ask Bob to take over, and he hears of it, and who had it before him."""
    now, bob = timezone.now(), Recipient.objects.get(ref="bob")
    Absence.objects.filter(recipient=bob).update(begins_at=now + timedelta(days=8), ends_at=now + timedelta(days=9))
    rota = rota_of(Team.objects.get(slug="finance"), person, name="Claims", begins_on=now.date() - timedelta(days=2))
    rota.name = f"Claims, ask {person.name}"
    rota.save()
    record_parts(rota)
    ends = now + timedelta(minutes=30)
    rota.overrides.create(layer=1, person=person, begins_at=now - timedelta(hours=1), ends_at=ends)
    notices.tell_of_hand_overs(now - timedelta(minutes=2))
    swap = notices.ask_for_swap(SwapProposal(rota, bob, Shift(now, ends, person.pk)), person, now)
    notices.answer_swap(swap.pk, bob, SwapState.ACCEPTED, now)
    notices.tell_of_hand_overs(now + timedelta(seconds=1))
    assert RotaSwap.objects.get().state == SwapState.ACCEPTED and rota.watch.person == bob
    RotaFeed.objects.create(
        rota=rota, url="https://c.example/x.ics", body=f"SUMMARY:{person.name}\nATTENDEE:mailto:{person.email}"
    )
    about = {"begins_at": ends, "ends_at": ends + timedelta(hours=1)}
    RotaFeedShift.objects.create(rota=rota, person=person, summary=f"{person.name} is on duty", **about)
    RotaFeedShift.objects.create(rota=rota, person=None, summary=f"nobody, ring {person.phone}", **about)
    fault = {"code": "said", "text": f"It answered 403: {person.email} may not read this."}
    RotaFeed.objects.filter(rota=rota).update(fault_fact=fault)
    world.run()
