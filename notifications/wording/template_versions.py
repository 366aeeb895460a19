"""Versions of a template: drafts can be edited, one version is published, versions that it replaced are retired and can
be published again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from notifications.models import Template, TemplateVersion, VersionState
from notifications.wording.template_check import Problem, check


class CannotPublish(Exception):
    """Raised with a sentence that says what to correct; `problems` are the fatal ones of the check."""

    def __init__(self, detail: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.problems = problems


@transaction.atomic
def new_draft(template: Template, source: TemplateVersion | None = None, note: str = "") -> TemplateVersion:
    """Return the next version, with a copy of the source's texts, actions and key facts."""
    template = _locked(template)
    highest = template.versions.aggregate(Max("number"))["number__max"] or 0
    draft = TemplateVersion.objects.create(template=template, number=highest + 1, note=note[:200])
    if source is not None:
        parts = (source.texts, source.customer_texts, source.actions, source.facts)
        rows: list[Any] = [row for part in parts for row in part.all()]
        for row in rows:
            row.pk, row.version, row._state.adding = None, draft, True
            row.save(force_insert=True)
    return draft


@transaction.atomic
def publish(version: TemplateVersion, by: Any, now: datetime) -> TemplateVersion:
    """Use this draft for new messages; running ones keep the version with which they began.

    Raises CannotPublish if it is no draft, has no texts, or has fatal problems.
    """
    template = _locked(version.template)
    versions = TemplateVersion.objects.select_related("template").prefetch_related("texts", "customer_texts")
    version = versions.get(pk=version.pk)
    if version.state != VersionState.DRAFT:
        raise CannotPublish(_("Only a draft can be published. Make a new draft from this version first."))
    if not version.texts.all():
        raise CannotPublish(_("It has no texts yet. Enter at least one."))
    fatal = [problem for problem in check(version) if problem.fatal]
    if fatal:
        raise CannotPublish(fatal[0].message, fatal)
    template.versions.filter(state=VersionState.PUBLISHED).update(state=VersionState.RETIRED)
    version.state, version.published_at, version.published_by = VersionState.PUBLISHED, now, by
    version.save(update_fields=["state", "published_at", "published_by"])
    template._change_reason = f"Published version {version.number}"  # type: ignore[attr-defined]  # django-simple-history
    template.save()
    return version


@transaction.atomic
def roll_back(version: TemplateVersion, by: Any, now: datetime) -> TemplateVersion:
    """Publish a copy of an earlier version under a new number, which keeps the history readable. Raises
    CannotPublish."""
    if version.state != VersionState.RETIRED:
        raise CannotPublish(_("Only a version that was published before can be rolled back to."))
    copy = new_draft(version.template, version, note=_("As version %(number)d") % {"number": version.number})
    return publish(copy, by, now)


def _locked(template: Template) -> Template:
    """Lock the template: its versions are changed by one transaction at a time."""
    return Template.objects.select_for_update().get(pk=template.pk)
