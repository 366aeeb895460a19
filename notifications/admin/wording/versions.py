"""Versions of templates: editing, previewing and publishing drafts, and comparing versions. Versions have no list of
their own: each belongs to its template's page."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.decorators import action, display, link_column
from notifications.admin.desk.display import Tone, change_url, list_url, mark, page_url
from notifications.admin.desk.history_states import Difference, around_changes, words_between
from notifications.admin.wording.live_preview import draft_json, menu_context
from notifications.admin.wording.preview import preview_context, preview_page, send_page
from notifications.admin.wording.template_languages import languages_of
from notifications.admin.wording.template_parts import (
    ActionInline,
    CustomerTextInline,
    FactInline,
    TextInline,
    is_draft,
    show_problems,
)
from notifications.fixed_rows import why_fixed
from notifications.models import (
    CustomerText,
    Template,
    TemplateAction,
    TemplateFact,
    TemplateText,
    TemplateVersion,
    VersionState,
)
from notifications.wording import template_versions
from notifications.wording.template_check import check

VERSION_TONES: dict[str, Tone] = {
    VersionState.DRAFT: "wait",
    VersionState.PUBLISHED: "ok",
    VersionState.RETIRED: "quiet",
}


class ShowsState:
    @display(description=_("state"), ordering="state")
    def state_mark(self, version: TemplateVersion) -> SafeString:
        return mark(VERSION_TONES[version.state], version.get_state_display())


@admin.register(TemplateVersion)
class TemplateVersionAdmin(ShowsState, DeskAdmin):
    empty_says = _("Versions of template texts. Create one on a template's page.")
    list_select_related = ["template", "published_by"]
    list_prefetch_related = ["texts"]
    of_template = link_column("template", _("template"), "template__name")
    readonly_fields = ["of_template", "number", "state_mark", "published_at", "published_by"]
    parts = [TemplateText, CustomerText, TemplateFact, TemplateAction]
    inlines = [TextInline, CustomerTextInline, FactInline, ActionInline]
    actions_detail = ["preview", "compare_with", "publish", "send_to_me", "draft_from", "roll_back"]
    actions_submit_line = ["save_and_publish", "save_and_send"]
    compressed_fields = False
    change_form_outer_after_template = "admin/desk/live_preview.html"

    def get_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> list[Any]:
        published = [] if is_draft(obj) else [("published_at", "published_by")]
        return [("of_template", "state_mark"), "note", *published]

    # --- permissions ------------------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: actions on templates and versions make and number versions."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (not isinstance(obj, TemplateVersion) or is_draft(obj))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (not isinstance(obj, TemplateVersion) or is_draft(obj))

    def has_draft_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.add_templateversion")

    def has_publish_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may publish, which changes the template's messages."""
        return request.user.has_perm("notifications.change_template")

    def offers(self, action: str, row: TemplateVersion) -> bool:
        states = {
            "preview": [VersionState.PUBLISHED, VersionState.RETIRED],
            "publish": [],  # a button beside “Save”, below the texts
            "send_to_me": [VersionState.PUBLISHED, VersionState.RETIRED],
            "roll_back": [VersionState.RETIRED],
            "save_and_publish": [VersionState.DRAFT],
            "save_and_send": [VersionState.DRAFT],
            "draft_from": [VersionState.PUBLISHED, VersionState.RETIRED],
        }
        return action not in states or row.state in states[action]

    # --- place in the desk ------------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to the page of the template, which lists its versions."""
        template_id = request.GET.get("template__id__exact", "")
        template = Template.objects.filter(pk=template_id).first() if template_id.isdecimal() else None
        return HttpResponseRedirect(change_url(template) if template else list_url(Template))

    def delete_model(self, request: HttpRequest, obj: TemplateVersion) -> None:
        request.deleted_from = change_url(obj.template)  # type: ignore[attr-defined]
        super().delete_model(request, obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        super().response_delete(request, obj_display, obj_id)
        return HttpResponseRedirect(request.deleted_from)  # type: ignore[attr-defined]

    # --- saving -----------------------------------------------------------------------------------------------------
    @action(description=_("Save and publish…"), permissions=["publish"])
    def save_and_publish(self, request: HttpRequest, obj: TemplateVersion) -> None:
        """Save and ask whether to publish. `response_change` redirects, after the texts are saved."""

    @action(description=_("Save and send to me…"), permissions=["change"])
    def save_and_send(self, request: HttpRequest, obj: TemplateVersion) -> None:
        """Save, and redirect to the page for sending a test to oneself."""

    def response_change(self, request: HttpRequest, obj: TemplateVersion) -> HttpResponse:
        response: HttpResponse = super().response_change(request, obj)
        after = {"save_and_publish": "publish", "save_and_send": "send_to_me"}
        for name, page in after.items():
            if f"notifications_templateversion_{name}" in request.POST:
                return HttpResponseRedirect(page_url(obj, page))
        return response

    def response_post_save_change(self, request: HttpRequest, obj: TemplateVersion) -> HttpResponse:
        """Stay on the draft's page, where the preview stands beside the texts."""
        return HttpResponseRedirect(change_url(obj))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show languages and menu above the texts of a draft, the preview beside them, and problems at their fields."""
        version: TemplateVersion | None = kwargs.get("obj")
        if version is not None and self.has_change_permission(request, version):
            problems = check(version)
            live = preview_context(request, version, {}, problems=problems)
            context |= {
                "live": live,
                "languages": languages_of(version, problems),
                "insert_menu": menu_context(version, live),
            }
            context["show_save_and_continue"] = False
            show_problems(problems, context["inline_admin_formsets"])
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    # --- actions ----------------------------------------------------------------------------------------------------
    @action(description=_("Preview"), url_path="preview", permissions=["view"], icon="visibility")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET: show the preview of the saved version. POST: return that of the unsaved form as JSON."""
        version: TemplateVersion = self.get_row(request, object_id)
        return draft_json(self, request, version) if request.method == "POST" else preview_page(self, request, version)

    @action(description=_("Send to me"), url_path="send-to-me", permissions=["change"], icon="send")
    def send_to_me(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return send_page(self, request, self.get_row(request, object_id))

    @action(description=_("Compare"), url_path="compare-with", permissions=["view"])
    def compare_with(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return compare_page(self, request, self.get_row(request, object_id))

    @action(description=_("Publish"), url_path="publish", permissions=["publish"], icon="publish")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: TemplateVersion = self.get_row(request, object_id)
        if request.method != "POST":
            return self._ask_to_publish(request, version)
        return self._publish(request, version, template_versions.publish)

    def _ask_to_publish(self, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
        problems = check(version)
        if version.state == VersionState.DRAFT and any(problem.fatal for problem in problems):
            text = gettext("It cannot be published yet.")
        else:
            text = gettext("New messages of “%(template)s” use this version. Existing messages do not change.")
        title = gettext("Publish %(version)s") % {"version": version}
        button = "" if any(problem.fatal for problem in problems) else gettext("Publish")
        text %= {"template": version.template}
        return self.ask(request, version, title=title, text=text, button=button, problems=problems)

    @action(description=_("New draft from this"), url_path="draft", permissions=["draft"], icon="content_copy")
    def draft_from(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: TemplateVersion = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext("A draft with the texts of %(version)s, to be edited and published later.") % {
                "version": version
            }
            return self.ask(request, version, title=gettext("New draft"), text=text, button=gettext("Make the draft"))
        draft = template_versions.new_draft(
            version.template, version, note=gettext("From version %(number)d") % {"number": version.number}
        )
        return self.done(request, draft, gettext("This is the new draft."))

    @action(description=_("Roll back to this"), url_path="roll-back", permissions=["publish", "draft"], icon="history")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: TemplateVersion = self.get_row(request, object_id)
        if request.method != "POST" and version.state == VersionState.RETIRED:
            text = gettext("A copy of %(version)s is published: new messages use it.") % {"version": version}
            return self.ask(request, version, title=gettext("Roll back"), text=text)
        return self._publish(request, version, template_versions.roll_back)

    def _publish(self, request: HttpRequest, version: TemplateVersion, how: Any) -> HttpResponse:
        if sentence := why_fixed(version):
            return self.done(request, version, sentence, messages.ERROR)
        try:
            published: TemplateVersion = how(version, request.user, timezone.now())
        except template_versions.CannotPublish as fault:
            return self.done(request, version, fault.detail, messages.ERROR)
        self.log(request, published.template, f"Published version {published.number}")
        return self.done(request, published, gettext("%(version)s is published.") % {"version": published})


# --- comparing --------------------------------------------------------------------------------------------------------
class VersionsForm(forms.Form):
    earlier = forms.ModelChoiceField(
        TemplateVersion.objects.none(), label=_("From"), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    later = forms.ModelChoiceField(
        TemplateVersion.objects.none(), label=_("To"), widget=UnfoldAdminSelectWidget, empty_label=None
    )

    def __init__(self, data: Any, version: TemplateVersion) -> None:
        super().__init__(data)
        for field in self.fields.values():
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = version.template.versions.order_by("-number")
            field.label_from_instance = _version_label  # type: ignore[method-assign, assignment]


def _version_label(version: Any) -> str:
    return " · ".join(filter(None, [str(version.number), version.get_state_display(), version.note]))


def compare_page(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """Compare `?earlier=` and `?later=`; by default, this version with the one published before it."""
    form = VersionsForm(request.GET if {"earlier", "later"} & request.GET.keys() else _default_pair(version), version)
    parts: list[Difference] | None = None
    if form.is_valid():
        parts = list(differences(form.cleaned_data["earlier"], form.cleaned_data["later"]))
    return desk.page(request, "admin/desk/compare.html", gettext("Compare"), form=form, parts=parts, row=version)


def _default_pair(version: TemplateVersion) -> dict[str, int]:
    others = version.template.versions.exclude(pk=version.pk)
    before = others.filter(number__lt=version.number, published_at__isnull=False).order_by("-number").first()
    other = before or others.order_by("-number").first() or version
    earlier, later = sorted((other, version), key=lambda each: each.number)
    return {"earlier": earlier.pk, "later": later.pk}


def differences(earlier: TemplateVersion, later: TemplateVersion) -> Iterator[Difference]:
    """Yield a difference for each changed text, button or key fact, with its changed fields below."""
    before, after = dict(_parts(earlier)), dict(_parts(later))
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, {}), after.get(name, {})
        fields = [
            Difference(field, pieces=around_changes(words_between(old.get(field, ""), new.get(field, ""))))
            for field in (old | new)
            if old.get(field, "") != new.get(field, "")
        ]
        if fields:
            yield Difference(name[1], below=fields)


def _parts(version: TemplateVersion) -> Iterator[tuple[tuple[int, str], dict[str, str]]]:
    """Yield the name of each part, in the order of the form, with its fields as text."""
    for at, texts in enumerate((version.texts.all(), version.customer_texts.all())):
        for text in texts:
            yield (at, str(text)), _field_texts(text, ("title", "body", "short_body"))
    for fact in version.facts.all():
        name = gettext("key fact “%(path)s”") % {"path": fact.path}
        yield (2, name), _field_texts(fact, ("position", "kind", "currency")) | _label_texts(fact)
    for rule in version.actions.all():
        name = gettext("button “%(action)s”") % {"action": rule.action}
        yield (3, name), _field_texts(rule, ("comment",)) | _label_texts(rule)


def _label_texts(row: TemplateAction | TemplateFact) -> dict[str, str]:
    name = row._meta.get_field("labels").verbose_name
    return {f"{name}: {code}": label for code, label in row.labels.items()}


def _field_texts(row: Any, names: Sequence[str]) -> dict[str, str]:
    shown = {name: getattr(row, f"get_{name}_display", None) for name in names}
    return {
        str(row._meta.get_field(name).verbose_name): str(display() if display else getattr(row, name))
        for name, display in shown.items()
    }
