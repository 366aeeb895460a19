"""Keys of many rows as one parameter."""

import pytest

from notifications.models import Event, Recipient
from tests.factories import EventFactory, RecipientFactory
from wfpush.postgres.keys import among


@pytest.mark.django_db
def test_rows_are_found_by_their_keys_and_by_keys_of_others() -> None:
    bob, carol = RecipientFactory(ref="bob"), RecipientFactory(ref="carol")
    event = EventFactory()

    assert [*Recipient.objects.filter(among(Recipient, [carol.pk, -1]))] == [carol]
    assert {*Recipient.objects.exclude(among(Recipient, [carol.pk]), ref="carol")} == {bob}
    assert [*Event.objects.filter(among(Event, [event.pk]), status="accepted")] == [event]
    assert [*Event.objects.filter(among(type(event.engine), [event.engine_id], "engine_id"))] == [event]
    assert not Event.objects.filter(among(Event, [])).exists()
