"""Templates, each with the list of its versions."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import HistoryAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import action, display
from notifications.admin.desk.display import change_url, link, mark, shortened
from notifications.admin.desk.filters import Conditions
from notifications.admin.wording.template_languages import missing_in, name_of
from notifications.admin.wording.versions import ShowsState
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

WORDS = ("texts", "customer_texts", "actions", "facts")


class VersionInline(ShowsState, ReadOnlyInline):
    model = TemplateVersion
    fields = ["number", "state_mark", "note", "published_at", "published_by"]
    ordering = ["-number"]


class Publication(Conditions):
    title = _("published")
    parameter_name = "published"
    conditions = {
        "no": (_("nothing published"), ~Q(versions__state=VersionState.PUBLISHED)),
        "draft": (_("has a draft"), Q(versions__state=VersionState.DRAFT)),
        "unused": (_("used by no rule"), Q(routes=None)),
    }


class MissingLanguage(admin.SimpleListFilter):
    """A filter of templates whose published version lacks words in a language of the pages."""

    title = _("missing texts in")
    parameter_name = "lacks"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("any", _("any language")), *((code, name_of(code)) for code, _name in settings.LANGUAGES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Template]) -> QuerySet[Template]:
        language = self.value()
        if language not in ("any", *dict(settings.LANGUAGES)):
            return queryset
        published = TemplateVersion.objects.filter(state=VersionState.PUBLISHED)
        lacking = [
            version.template_id
            for version in published.select_related("template").prefetch_related(*WORDS)
            if any(language in ("any", code) for code, _in_part in missing_in(version))
        ]
        return queryset.filter(pk__in=lacking)


def _first_in(template: Template, state: VersionState) -> TemplateVersion | None:
    return next((version for version in template.versions.all() if version.state == state), None)


@admin.register(Template)
class TemplateAdmin(HistoryAdmin):
    empty_says = _("The texts of messages, in each language. Add the first template.")
    list_display = ["name", "published", "draft", "speaks", "lacks", "used_by"]
    list_filter = [Publication, MissingLanguage]
    list_prefetch_related = ["routes", *(f"versions__{part}" for part in WORDS)]
    search_fields = ["name", "slug", "versions__texts__title"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug", "fallback_language"]
    parts = [TemplateVersion, TemplateText, CustomerText, TemplateFact, TemplateAction]
    inlines = [VersionInline]
    actions_detail = ["edit_draft"]

    def get_inlines(self, request: HttpRequest, obj: Template | None) -> list[Any]:
        return list(self.inlines) if obj else []

    def response_add(self, request: HttpRequest, obj: Template, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to the first draft, since a new template needs texts."""
        if "_popup" in request.POST or not request.user.has_perm("notifications.add_templateversion"):
            response: HttpResponse = super().response_add(request, obj, post_url_continue)
            return response
        return HttpResponseRedirect(change_url(template_versions.new_draft(obj)))

    @display(description=_("published"))
    def published(self, template: Template) -> SafeString:
        version = _first_in(template, VersionState.PUBLISHED)
        return link(version, f"v{version.number}") if version is not None else mark("bad", gettext("nothing"))

    @display(description=_("draft"))
    def draft(self, template: Template) -> SafeString:
        version = _first_in(template, VersionState.DRAFT)
        return link(version, f"v{version.number}" if version is not None else "")

    @display(description=_("languages"))
    def speaks(self, template: Template) -> str:
        version = _first_in(template, VersionState.PUBLISHED)
        return ", ".join(sorted({text.language for text in version.texts.all()})) if version is not None else ""

    @display(description=_("missing texts in"))
    def lacks(self, template: Template) -> SafeString:
        """List the languages of the pages that lack words. The version's page says which words."""
        version = _first_in(template, VersionState.PUBLISHED)
        missing = [(name_of(code), in_part) for code, in_part in missing_in(version)] if version is not None else []
        form = gettext("%(language)s (in part)")
        names = [form % {"language": name} if in_part else name for name, in_part in missing]
        return link(version if names else None, ", ".join(names))

    @display(description=_("used by"))
    def used_by(self, template: Template) -> SafeString:
        return shortened(", ".join(route.name for route in template.routes.all()))

    def has_draft_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("notifications.add_templateversion")

    @action(description=_("Edit the draft"), url_path="draft", permissions=["draft"], icon="edit")
    def edit_draft(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Redirect to the newest draft; if there is none, make one from the published version."""
        template: Template = self.get_row(request, object_id)
        draft = template.versions.filter(state=VersionState.DRAFT).order_by("-number").first()
        if draft is not None:
            return HttpResponseRedirect(change_url(draft))
        source = template.versions.filter(state=VersionState.PUBLISHED).first()
        if request.method != "POST":
            text = (
                gettext("A draft with the texts of version %(number)d.") % {"number": source.number}
                if source
                else gettext("An empty draft.")
            )
            return self.ask(request, template, title=gettext("New draft"), text=text, button=gettext("Make the draft"))
        draft = template_versions.new_draft(template, source)
        self.log(request, template, f"New draft: version {draft.number}")
        return HttpResponseRedirect(change_url(draft))
