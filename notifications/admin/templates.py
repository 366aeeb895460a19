"""Templates and their versions: editing, previewing and publishing drafts; the published version; earlier versions."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.base import DeskAdmin, HistoryAdmin, ReadOnlyInline
from notifications.admin.decorators import action, display
from notifications.admin.filters import Conditions
from notifications.admin.live_preview import as_typed
from notifications.admin.preview import preview_context, preview_page
from notifications.admin.template_parts import ActionInline, CustomerTextInline, FactInline, TextInline, is_draft
from notifications.admin.words import Tone, ago, change_url, link, mark, shortened
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
from notifications.wording.render import check

VERSION_TONES: dict[str, Tone] = {
    VersionState.DRAFT: "wait",
    VersionState.PUBLISHED: "ok",
    VersionState.RETIRED: "quiet",
}


# --- templates ------------------------------------------------------------------------------------------------------
class VersionInline(ReadOnlyInline):
    model = TemplateVersion
    fields = ["number", "state_mark", "note", "published_at", "published_by"]
    readonly_fields = fields
    ordering = ["-number"]

    @display(description=_("state"))
    def state_mark(self, version: TemplateVersion) -> SafeString:
        return mark(VERSION_TONES[version.state], version.get_state_display())


class Publication(Conditions):
    title = _("published")
    parameter_name = "published"
    conditions = {
        "no": (_("nothing published"), ~Q(versions__state=VersionState.PUBLISHED)),
        "draft": (_("has a draft"), Q(versions__state=VersionState.DRAFT)),
        "unused": (_("used by no route"), Q(routes=None)),
    }


@admin.register(Template)
class TemplateAdmin(HistoryAdmin):
    list_display = ["name", "slug", "published", "draft", "speaks", "used_by"]
    list_filter = [Publication]
    search_fields = ["name", "slug", "versions__texts__title"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug", "fallback_language"]
    parts = [TemplateVersion, TemplateText, CustomerText, TemplateFact, TemplateAction]
    inlines = [VersionInline]
    actions_detail = ["edit_draft"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        templates: QuerySet[Template] = super().get_queryset(request)
        return templates.prefetch_related(
            "routes", Prefetch("versions", TemplateVersion.objects.prefetch_related("texts"))
        )

    def get_inlines(self, request: HttpRequest, obj: Template | None) -> list[Any]:
        return list(self.inlines) if obj else []

    def response_add(self, request: HttpRequest, obj: Template, post_url_continue: str | None = None) -> HttpResponse:
        """A new template needs texts: redirect to its first draft."""
        if "_popup" in request.POST or not request.user.has_perm("notifications.add_templateversion"):
            response: HttpResponse = super().response_add(request, obj, post_url_continue)
            return response
        return HttpResponseRedirect(change_url(template_versions.new_draft(obj)))

    @display(description=_("published"))
    def published(self, template: Template) -> SafeString:
        for version in template.versions.all():
            if version.state == VersionState.PUBLISHED:
                return link(version, f"v{version.number}")
        return mark("bad", gettext("nothing"))

    @display(description=_("draft"))
    def draft(self, template: Template) -> SafeString:
        return next(
            (link(each, f"v{each.number}") for each in template.versions.all() if each.state == VersionState.DRAFT),
            link(None),
        )

    @display(description=_("languages"))
    def speaks(self, template: Template) -> str:
        current = [version for version in template.versions.all() if version.state == VersionState.PUBLISHED]
        return ", ".join(sorted({text.language for version in current for text in version.texts.all()}))

    @display(description=_("used by"))
    def used_by(self, template: Template) -> SafeString:
        return shortened(", ".join(route.name for route in template.routes.all()))

    def has_draft_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.add_templateversion")

    @action(description=_("Edit the draft"), url_path="draft", permissions=["draft"], icon="edit")
    def edit_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The newest draft; if there is none, a new one made from the published version."""
        template: Template = self.found(request, object_id)
        draft = template.versions.filter(state=VersionState.DRAFT).order_by("-number").first()
        if draft is not None:
            return HttpResponseRedirect(change_url(draft))
        source = template.versions.filter(state=VersionState.PUBLISHED).first()
        if request.method != "POST":
            text = (
                gettext("A draft with the words of version %(number)d.") % {"number": source.number}
                if source
                else gettext("An empty draft.")
            )
            return self.ask(request, template, title=gettext("New draft"), text=text, button=gettext("Make the draft"))
        draft = template_versions.new_draft(template, source)
        self.log(request, template, f"New draft: version {draft.number}")
        return HttpResponseRedirect(change_url(draft))


# --- versions -------------------------------------------------------------------------------------------------------
@admin.register(TemplateVersion)
class TemplateVersionAdmin(DeskAdmin):
    list_display = ["number", "of_template", "state_mark", "speaks", "note", "published_ago", "published_by"]
    list_filter = ["state", "template"]
    list_select_related = ["template", "published_by"]
    search_fields = ["template__name", "template__slug", "note", "texts__title"]
    readonly_fields = ["of_template", "number", "state_mark", "published_at", "published_by"]
    parts = [TemplateText, CustomerText, TemplateFact, TemplateAction]
    inlines = [TextInline, CustomerTextInline, FactInline, ActionInline]
    actions_detail = ["preview", "publish", "draft_from", "roll_back"]
    actions_submit_line = ["save_and_preview"]
    change_form_outer_after_template = "admin/desk/live_preview.html"

    def get_fields(self, request: HttpRequest, obj: TemplateVersion | None = None) -> list[str]:
        published = [] if is_draft(obj) else ["published_at", "published_by"]
        return ["of_template", "number", "state_mark", "note", *published]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateVersion]:
        found: QuerySet[TemplateVersion] = super().get_queryset(request)
        return found.prefetch_related("texts")

    # --- who may ----------------------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Versions are made by actions on templates and versions, which number them."""
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
        """Publishing changes what the template says."""
        return request.user.has_perm("notifications.change_template")

    def offers(self, action: str, row: TemplateVersion) -> bool:
        states = {
            "publish": [VersionState.DRAFT],
            "roll_back": [VersionState.RETIRED],
            "save_and_preview": [VersionState.DRAFT],
            "draft_from": [VersionState.PUBLISHED, VersionState.RETIRED],
        }
        return action not in states or row.state in states[action]

    # --- after saving -----------------------------------------------------------------------------------------------
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        version = TemplateVersion.objects.prefetch_related("texts").get(pk=form.instance.pk)
        for problem in check(version):
            level = messages.ERROR if problem.fatal else messages.WARNING
            self.message_user(request, f"{problem.where}: {problem.message}", level)

    @action(description=_("Save and preview"), permissions=["change"])
    def save_and_preview(self, request: HttpRequest, obj: TemplateVersion) -> None:
        """Save and show the preview. `response_change` redirects, after the texts are saved."""

    def response_change(self, request: HttpRequest, obj: TemplateVersion) -> HttpResponse:
        if "notifications_templateversion_save_and_preview" in request.POST:
            return HttpResponseRedirect(reverse("admin:notifications_templateversion_preview", args=[obj.pk]))
        response: HttpResponse = super().response_change(request, obj)
        return response

    # --- actions ----------------------------------------------------------------------------------------------------
    @action(description=_("Preview"), url_path="preview", permissions=["view"], icon="visibility")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET: the preview of the saved version. POST: that of the unsaved content of the draft's form."""
        version: TemplateVersion = self.found(request, object_id)
        return as_typed(self, request, version) if request.method == "POST" else preview_page(self, request, version)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Show the preview beside the texts of a draft."""
        version: TemplateVersion | None = kwargs.get("obj")
        if version is not None and self.has_change_permission(request, version):
            context["live"] = preview_context(request, version, {})
        response: HttpResponse = super().render_change_form(request, context, **kwargs)
        return response

    @action(description=_("Publish"), url_path="publish", permissions=["publish"], icon="publish")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: TemplateVersion = self.found(request, object_id)
        if request.method != "POST":
            return self._ask_to_publish(request, version)
        return self._publish(request, version, template_versions.publish)

    def _ask_to_publish(self, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
        problems = check(version)
        if version.state == VersionState.DRAFT and any(problem.fatal for problem in problems):
            text = gettext("It cannot be published yet.")
        else:
            text = gettext(
                "From now on new messages of “%(template)s” say this. Messages people have already keep their words."
            )
        context = {
            "row": version,
            "back": change_url(version),
            "text": text % {"template": version.template},
            "button": "" if any(problem.fatal for problem in problems) else gettext("Publish"),
            "problems": problems,
        }
        return self.page(
            request, "admin/desk/confirm.html", gettext("Publish %(version)s") % {"version": version}, **context
        )

    @action(description=_("New draft from this"), url_path="draft", permissions=["draft"], icon="content_copy")
    def draft_from(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: TemplateVersion = self.found(request, object_id)
        if request.method != "POST":
            text = gettext("A draft with the words of %(version)s, to be edited and published later.") % {
                "version": version
            }
            return self.ask(request, version, title=gettext("New draft"), text=text, button=gettext("Make the draft"))
        draft = template_versions.new_draft(
            version.template, version, note=gettext("From version %(number)d") % {"number": version.number}
        )
        return self.done(request, draft, gettext("This is the new draft."))

    @action(description=_("Roll back to this"), url_path="roll-back", permissions=["publish", "draft"], icon="history")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version: TemplateVersion = self.found(request, object_id)
        if request.method != "POST" and version.state == VersionState.RETIRED:
            text = gettext("A copy of %(version)s is published: new messages say this again.") % {"version": version}
            return self.ask(request, version, title=gettext("Roll back"), text=text, button=gettext("Roll back"))
        return self._publish(request, version, template_versions.roll_back)

    def _publish(self, request: HttpRequest, version: TemplateVersion, how: Any) -> HttpResponse:
        try:
            published: TemplateVersion = how(version, request.user, timezone.now())
        except template_versions.CannotPublish as fault:
            return self.done(request, version, fault.detail, messages.ERROR)
        self.log(request, published.template, f"Published version {published.number}")
        return self.done(request, published, gettext("%(version)s is published.") % {"version": published})

    # --- columns ----------------------------------------------------------------------------------------------------
    @display(description=_("template"), ordering="template__name")
    def of_template(self, version: TemplateVersion) -> SafeString:
        return link(version.template)

    @display(description=_("state"), ordering="state")
    def state_mark(self, version: TemplateVersion) -> SafeString:
        return mark(VERSION_TONES[version.state], version.get_state_display())

    @display(description=_("languages"))
    def speaks(self, version: TemplateVersion) -> str:
        return ", ".join(sorted({text.language for text in version.texts.all()}))

    @display(description=_("published"), ordering="published_at")
    def published_ago(self, version: TemplateVersion) -> SafeString:
        return ago(version.published_at)
