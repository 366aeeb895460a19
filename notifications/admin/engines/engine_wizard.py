"""Connecting an engine step by step: kind, key, first event, mapping, answers. Each step is a page of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.decorators import action
from notifications.admin.engines.engine_mappings import mapping_page, paths_answer
from notifications.admin.engines.engine_pages import connection_verdict, is_called
from notifications.admin.engines.first_event import has_key, light_of
from notifications.connectors import connector_for, credentials, samples
from notifications.intake import last_call, mapping
from notifications.models import Engine, Recipient, Scope

ICON = "settings_input_component"
NAME = "admin:notifications_engine_connect"

STEPS = {
    "": _("Kind and name"),
    "key": _("Its key and its calls"),
    "event": _("The first event"),
    "mapping": _("Its JSON"),
    "answers": _("Its answers"),
}
"""Titles of the steps in their order, by the end of the name of their URL."""


@dataclass(frozen=True)
class Step:
    title: Any
    address: str
    current: bool
    done: bool


def step_url(engine: Engine, name: str) -> str:
    return reverse(f"{NAME}_{name}", args=[engine.pk])


def steps_of(engine: Engine | None, current: str) -> list[Step]:
    if engine is None:
        return [Step(title, "", name == current, False) for name, title in STEPS.items()]
    green = light_of(engine).event is not None
    done = {"": True, "key": green or has_key(engine), "event": green, "mapping": False, "answers": False}
    return [
        Step(title, step_url(engine, name) if name else "", name == current, done[name] and name != current)
        for name, title in STEPS.items()
    ]


STEP_PAGES = [*(f"connect_{name}" for name in ("key", "event", "light", "mapping", "answers")), "paths"]
"""Actions that link to each other. The engine's page offers none of them beside its title."""


class EngineWizard(DeskAdmin):
    """The steps, as actions of the list of engines and of an engine's page."""

    @action(description=STEPS["mapping"], url_path="paths", permissions=["change"])
    def paths(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return the paths that the engine's mapping can read."""
        return paths_answer(request, self.get_row(request, object_id))

    def _step(self, request: HttpRequest, name: str, engine: Engine | None, **context: Any) -> HttpResponse:
        title = gettext("Connect %(engine)s") % {"engine": engine} if engine else gettext("Connect an engine")
        shown = {"engine": engine, "steps": steps_of(engine, name), "step": STEPS[name], **context}
        return self.page(request, f"admin/desk/connect_{name or 'kind'}.html", title, **shown)

    # --- 1: kind and name -------------------------------------------------------------------------------------------
    @action(
        description=_("Connect an engine"),
        url_path="connect",
        permissions=["add"],
        icon=ICON,
        variant=ActionVariant.PRIMARY,
    )
    def connect(self, request: HttpRequest) -> HttpResponse:
        form_class: Any = self.get_form(request, fields=["kind", "name", "callback_url"])
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                engine = self._create_engine(request, form)
            except IntegrityError:  # another request has just taken the slug
                engine = self._create_engine(request, form)
            return HttpResponseRedirect(step_url(engine, "key"))
        return self._step(request, "", None, form=form)

    @transaction.atomic
    def _create_engine(self, request: HttpRequest, form: Any) -> Engine:
        engine: Engine = form.save(commit=False)
        engine.slug = free_slug(engine.name)
        self.save_model(request, engine, form, change=False)
        if preset := connector_for(engine.kind).preset:
            mapping.use_preset(engine, preset)
        self.log_addition(request, engine, [{"added": {}}])
        return engine

    # --- 2: key, and snippets of callers ----------------------------------------------------------------------------
    @action(description=STEPS["key"], url_path="connect/key", permissions=["change"])
    def connect_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Engine = self.get_row(request, object_id)
        may_make, plain = request.user.has_perm("notifications.add_apikey"), ""
        if request.method == "POST":
            if not may_make:
                raise PermissionDenied
            make = partial(credentials.issue_key, row, name="default", scopes=[Scope.EVENTS.value])
            plain = self._issue_once(request, row, row.api_keys, make)
            if not plain:
                return HttpResponseRedirect(step_url(row, "key"))
        keys = [key for key in row.api_keys.all() if key.usable]
        shown = {"keys": keys, "newest": _newest_key(row.api_keys), "snippets": snippets_of(row, plain)}
        context = {"plain": plain, "may_make": may_make, "back": step_url(row, "key"), **shown}
        return self._step(request, "key", row, next=step_url(row, "event"), **context)

    @transaction.atomic
    def _issue_once(self, request: HttpRequest, engine: Engine, rows: Any, make: Callable[[], tuple[Any, str]]) -> str:
        """Make a key or secret and return it in plain. Return an empty string if one was made since the page was shown,
        as when a form is sent twice. `rows`: the engine's keys or secrets."""
        Engine.objects.select_for_update().get(pk=engine.pk)
        if request.POST.get("newest", "") != _newest_key(rows):
            text = gettext(
                "A key was made after this page was opened, and was shown once. Make another one if it is lost."
            )
            self.message_user(request, text, messages.WARNING)
            return ""
        row, plain = make()
        self.admin_site.get_model_admin(type(row)).log_addition(request, row, [{"added": {}}])
        return plain

    # --- 3: the first event -----------------------------------------------------------------------------------------
    @action(description=STEPS["event"], url_path="connect/event", permissions=["change"])
    def connect_event(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Engine = self.get_row(request, object_id)
        last_call.watch(row)
        shown = self._shown_light(request, row)
        return self._step(request, "event", row, light_at=step_url(row, "light"), **shown)

    @action(description=STEPS["event"], url_path="connect/light", permissions=["change"])
    def connect_light(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Return {"green", "html"} for the script of the waiting page."""
        row: Engine = self.get_row(request, object_id)
        last_call.watch(row)
        shown = self._shown_light(request, row)
        html = render_to_string("admin/desk/connect_light.html", {"engine": row, **shown}, request)
        return JsonResponse({"green": shown["light"].is_green, "html": html})

    def _shown_light(self, request: HttpRequest, engine: Engine) -> dict[str, Any]:
        traced = request.user.has_perm("notifications.view_event")
        return {"light": light_of(engine), "traced": traced, "mapping_at": step_url(engine, "mapping")}

    # --- 4: mapping of its JSON -------------------------------------------------------------------------------------
    @action(description=STEPS["mapping"], url_path="connect/mapping", permissions=["change"])
    def connect_mapping(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Engine = self.get_row(request, object_id)
        here = step_url(row, "mapping")
        steps = {"steps": steps_of(row, "mapping"), "step": STEPS["mapping"], "next": step_url(row, "answers")}
        return mapping_page(self, request, row, here=here, **steps)

    # --- 5: answers -------------------------------------------------------------------------------------------------
    @action(description=STEPS["answers"], url_path="connect/answers", permissions=["change"])
    def connect_answers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: Engine = self.get_row(request, object_id)
        may_make, plain, verdict = request.user.has_perm("notifications.add_signingsecret"), "", None
        if request.method == "POST" and "test" in request.POST:
            verdict = connection_verdict(row, request.user)
            self.log(request, row, f"Connection tested: {verdict.says}")
        elif request.method == "POST":
            if not may_make:
                raise PermissionDenied
            make = partial(credentials.rotate_secret, row, now=timezone.now())
            plain = self._issue_once(request, row, row.signing_secrets, make)
            if not plain:
                return HttpResponseRedirect(step_url(row, "answers"))
        secrets = credentials.active_secrets(row, timezone.now())
        shown = {"called": is_called(row), "secrets": len(secrets), "newest": _newest_key(row.signing_secrets)}
        context = {"plain": plain, "may_make": may_make, "verdict": verdict, **shown}
        return self._step(request, "answers", row, back=step_url(row, "answers"), **context)


def _newest_key(rows: Any) -> str:
    """Return the key of the newest row, for the page's form."""
    return str(rows.order_by("-pk").values_list("pk", flat=True).first() or "")


# --- snippets to copy -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Snippet:
    name: str
    title: Any
    text: str


def snippets_of(engine: Engine, plain: str) -> list[Snippet]:
    """Return the snippets. `plain`: a key that was just made; if empty, a placeholder stands in its place."""
    connector, base, key = connector_for(engine.kind), settings.BASE_URL, plain or "$WFPUSH_KEY"
    somebody = Recipient.objects.filter(active=True, engine=None).order_by("pk").values_list("ref", flat=True).first()
    curl = samples.curl(connector.example, base=base, key=key, slug=engine.slug, ref=somebody or "")
    variables = f"export WFPUSH={base}\nexport WFPUSH_KEY={plain or '…'}"
    copied = [
        Snippet(name, title, samples.filled_in(name, base=base, key=key, slug=engine.slug))
        for name, title in connector.samples.items()
    ]
    reads = any("WFPUSH_KEY" in samples.text_of(name) for name in connector.samples)
    environment = [Snippet("environment", _("Environment variables"), variables)] if reads else []
    return [Snippet("curl", _("To try it: a task, as the engine would send it"), curl), *environment, *copied]


def free_slug(name: str) -> str:
    """Return a slug of the name that no engine has."""
    slug = slugify(name)[:50].strip("-") or "engine"
    taken = set(Engine.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    numbered = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
    return slug if slug not in taken else next(each for each in numbered if each not in taken)
