"""Following and muting cases, following kinds of cases, and the page that lists what a person follows and mutes."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from notifications.inbox.page_frame import show_page
from notifications.inbox.sign_in.session import PersonRequest, form_only, person_required
from notifications.inbox.sign_in.signin import local_path
from notifications.models import Case
from notifications.preferences import following

MAX_CASES = 200
"""Cases of each list, the newest first."""


@form_only
@person_required
def follow(request: PersonRequest, case_id: int) -> HttpResponse:
    """Follow a case, or with `follow=0` stop following it."""
    case = _case(request, case_id)
    if request.POST.get("follow") == "0":
        case.followers.remove(request.recipient)
    else:
        case.followers.add(request.recipient)
    return _back(request)


@form_only
@person_required
def mute(request: PersonRequest, case_id: int) -> HttpResponse:
    """Mute a case, or with `mute=0` mute it no longer."""
    case = _case(request, case_id)
    if request.POST.get("mute") == "0":
        following.unmute(request.recipient, case)
    else:
        following.mute(request.recipient, case)
    return _back(request)


@form_only
@person_required
def follow_kind(request: PersonRequest, case_id: int) -> HttpResponse:
    """Follow the kind of a case, or with `follow=0` stop following it."""
    case = _case(request, case_id)
    if request.POST.get("follow") == "0":
        following.unfollow_kind(request.recipient, case)
    else:
        following.follow_kind(request.recipient, case)
    return _back(request)


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
def page(request: PersonRequest) -> HttpResponse:
    """Show all that the person follows and mutes. A POST ends following a `kind`, by its key."""
    person = request.recipient
    if person.external:
        raise Http404
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        person.followed_kinds.filter(pk=int(kind) if kind.isdecimal() and len(kind) < 19 else 0).delete()
        return redirect("inbox:following")
    muted = following.cases_of(person).filter(pk__in=person.muted_cases.values("case"))
    context = {
        "followed": Case.objects.filter(followers=person).select_related("engine").order_by("-updated_at")[:MAX_CASES],
        "kinds": person.followed_kinds.select_related("engine").order_by("case_type", "pk")[:MAX_CASES],
        "muted": muted.select_related("engine").order_by("-updated_at")[:MAX_CASES],
    }
    return show_page(request, "inbox/following.html", context)


def _case(request: PersonRequest, case_id: int) -> Case:
    """Return the case. Raises Http404 for a case that the person was not notified of."""
    return get_object_or_404(following.cases_of(request.recipient), pk=case_id)


def _back(request: PersonRequest) -> HttpResponse:
    return redirect(local_path(request.POST.get("next", "")))
