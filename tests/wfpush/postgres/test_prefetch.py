"""Rows come with what their foreign keys lead to, also when that is deleted meanwhile."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.models import Brand, Category, Notification
from tests.factories import NotificationFactory
from wfpush.postgres import prefetch

pytestmark = pytest.mark.django_db


def related(rows: Sequence[Notification]) -> None:
    prefetch.read(Category, "category", rows)
    prefetch.read(Brand, "brand", rows)


def test_each_table_is_asked_once_whatever_is_made_of_the_queryset() -> None:
    made = NotificationFactory.create_batch(3)
    rows = prefetch.WithRelated.of(Notification.objects.all(), related).filter(pk__in=[each.pk for each in made])

    with CaptureQueriesContext(connection) as queries:
        assert {row.category.slug for row in rows.order_by("seq")[:2]} == {made[0].category.slug}
        assert [row.brand for row in rows] == [None] * 3
    assert len(queries) == 4

    assert rows.get(pk=made[0].pk).category.slug
    assert set(rows.values_list("pk", flat=True)) == {each.pk for each in made}
    assert rows.count() == 3


def test_a_row_that_is_deleted_together_with_what_it_leads_to_is_left_out() -> None:
    gone, stays = NotificationFactory(), NotificationFactory()

    def deleted_in_between(rows: Sequence[Notification]) -> None:
        if gone in rows:
            Notification.objects.filter(pk=gone.pk).delete()
            raise KeyError(gone.category_id)
        related(rows)

    rows = prefetch.WithRelated.of(Notification.objects.all(), deleted_in_between).prefetch_related("case__engine")
    assert list(rows) == [stays]
    with CaptureQueriesContext(connection) as queries:
        assert rows[0].case is not None and rows[0].case.engine.slug
    assert not queries, "what is prefetched is there, too"


def test_a_key_that_leads_nowhere_for_good_is_a_fault() -> None:
    NotificationFactory()

    def nowhere(rows: Sequence[Notification]) -> None:
        raise KeyError(1)

    with pytest.raises(KeyError):
        list(prefetch.WithRelated.of(Notification.objects.all(), nowhere))
