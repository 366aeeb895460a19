"""A link that is used twice in the same moment counts once."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import Recipient
from notifications.second_factors import password_links
from notifications.second_factors.models import SecurityMail
from tests.support.at_once import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_tries_at_once_set_one_password(bob: Recipient) -> None:
    user = User.objects.get(username="bob")
    path = password_links.new_path(user)

    def choose(password: str) -> int:
        return Client().post(path, {"new_password1": password, "new_password2": password}).status_code

    words = ["a short swim in the lake", "a long ride in the hills"]
    assert sorted(at_once(*(lambda word=word: choose(word) for word in words))) == [302, 410]
    user.refresh_from_db()
    assert sum(user.check_password(word) for word in words) == 1
    assert SecurityMail.objects.get().kind == "password_changed"
