"""Milliseconds of people's and the desk's pages, by name, over what bench.growth_rows has made. Run by bench.inside."""

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from bench.growth import DESK, INBOX, OVERVIEW, TRACE
from notifications.models import Event, Notification, Recipient, TemplateVersion

ROUNDS = 5
BACKEND = "notifications.signing_in.AccountBackend"


def main() -> dict[str, float]:
    person = Recipient.objects.get(ref="grown-up-0")
    person.user = User.objects.create_user("grown-up")
    person.save(update_fields=["user"])
    case = Notification.objects.filter(recipient=person).earliest("created_at").case
    assert case is not None
    event = Event.objects.filter(source="growth").latest("id")
    inbox, desk = _client(person.user), _client(User.objects.create_superuser("growth"))
    searches = {
        "as it opens": "",
        "a word that all have": "?tab=all&q=approve",
        "page 100 of a word that all have": "?tab=all&q=approve&page=100",
        "a word that none has": "?tab=all&q=nowhere",
        "the id of a case": f"?tab=all&q={case.case_id}",
        "words, an amount and a name": "?tab=all&q=approve+1%2C200.50+nobody",
    }
    return {
        **{f"{INBOX}{name}": _milliseconds(partial(inbox.get, f"/{query}")) for name, query in searches.items()},
        **{name: _milliseconds(partial(desk.get, address)) for name, address in _desk_pages(event).items()},
    }


def _client(user: User) -> Client:
    client = Client(HTTP_HOST=urlsplit(settings.BASE_URL).netloc)
    client.force_login(user, BACKEND)
    return client


def _desk_pages(event: Event) -> dict[str, str]:
    """Name to address: the overview, an event's trace, every list and its search, and the search over all of them."""
    pages = {OVERVIEW: reverse("admin:index"), TRACE: _desk("event", event.pk)}
    pages[f"{DESK}a task's page"] = _desk("task", event.task_id)
    pages[f"{DESK}a case's page"] = _desk("case", event.case_id)
    for name, words in {"an id": event.event_id, "words": "approve 1000", "a name": "person 7"}.items():
        pages[f"{DESK}search for {name}"] = f"{reverse('admin:search')}?{urlencode({'q': words})}"
    for model, listed in admin.site._registry.items():
        if model is TemplateVersion:  # on their template's page
            continue
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        name = f"{DESK}list of {model._meta.verbose_name_plural}"
        pages[name] = address
        if listed.get_search_fields(HttpRequest()):
            pages[f"{name}, an id"] = f"{address}?q={event.event_id}"
            pages[f"{name}, a word"] = f"{address}?q=Approve"
    return pages


def _desk(model: str, pk: Any) -> str:
    return reverse(f"admin:notifications_{model}_change", args=[pk])


def _milliseconds(get: Callable[[], Any]) -> float:
    """The median. Raises AssertionError if a page does not open."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        response = get()
        times.append((time.perf_counter() - began) * 1_000)
        assert response.status_code == 200, response
    return median(times)
