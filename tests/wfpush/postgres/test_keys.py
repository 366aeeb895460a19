"""Keys of many rows as one parameter."""

from uuid import UUID

import pytest
from django.db import connection

from notifications.models import Event, Recipient
from tests.factories import EventFactory, RecipientFactory
from wfpush.postgres.keys import among, array


@pytest.mark.django_db
def test_postgresql_reads_uuids_numbers_and_nothing_of_them() -> None:
    some = UUID("01930000-0000-7000-8000-000000000001")
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::uuid[], %s::bigint[], %s::int[]", [array([some, None]), array([7, 8]), array([])])
        assert cursor.fetchone() == ([some, None], [7, 8], [])


@pytest.mark.django_db
def test_rows_are_found_by_their_keys_and_by_keys_of_others() -> None:
    bob, carol = RecipientFactory(ref="bob"), RecipientFactory(ref="carol")
    event = EventFactory()

    assert [*Recipient.objects.filter(among(Recipient, [carol.pk, -1]))] == [carol]
    assert {*Recipient.objects.exclude(among(Recipient, [carol.pk]), ref="carol")} == {bob}
    assert [*Event.objects.filter(among(Event, [event.pk]), status="accepted")] == [event]
    assert [*Event.objects.filter(among(type(event.engine), [event.engine_id], "engine_id"))] == [event]
    assert not Event.objects.filter(among(Event, [])).exists()
