"""Saved views: lists that a person keeps under names of their own."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from notifications.inbox.list_query import Finding, finding_of
from notifications.inbox.sign_in.session import PersonRequest, form_only, person_required
from notifications.models import Recipient, SavedView
from notifications.wording.plaintext import clean_line, cut

MAX_VIEWS = 20
"""Most views of one person."""


@form_only
@person_required
def save(request: PersonRequest) -> HttpResponse:
    """Save the list of `query` as `name`, in place of the view with that name; with `remove`, delete the view."""
    reader, name = request.recipient, cut(clean_line(request.POST.get("name", "")), 60)
    finding = saved_query(request.POST.get("query", ""))
    if "remove" in request.POST:
        SavedView.objects.filter(recipient=reader, name=name).delete()
    elif not name or not finding.filtered:
        messages.error(request, _("Give the view a name."))
    elif SavedView.objects.filter(recipient=reader).exclude(name=name).count() >= MAX_VIEWS:
        messages.error(request, _("You already have %(most)s views. Remove one first.") % {"most": MAX_VIEWS})
    else:
        SavedView.objects.update_or_create(recipient=reader, name=name, defaults={"query": finding.query})
    return redirect(f"/{finding.address}")


def saved_query(query: str) -> Finding:
    """Return the part of a query that a view saves: all of it, from the first page on."""
    return finding_of(QueryDict(query)).but(selecting=False)


def views_of(reader: Recipient) -> list[SavedView]:
    return list(SavedView.objects.filter(recipient=reader)[:MAX_VIEWS])


def is_shown(view: SavedView, finding: Finding) -> bool:
    return saved_query(view.query) == finding.but(selecting=False)
