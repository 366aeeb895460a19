"""Templates in files: their published version has the texts, and changed texts are published as a new version."""

from typing import Any

from django.db.models import Model
from django.utils import timezone

from notifications.models import Template, TemplateVersion, VersionState
from notifications.wording import template_versions


class TemplateVersions:
    model = TemplateVersion

    @staticmethod
    def current(template: Template) -> Model | None:
        """Return the version whose parts are in files."""
        return template.versions.filter(state=VersionState.PUBLISHED).first()

    @staticmethod
    def begin(template: Template, note: str) -> Model:
        """Return a version without parts."""
        return template_versions.new_draft(template, note=note)

    @staticmethod
    def end(version: Any, by: Any) -> None:
        """Use the version from now on. Raises CannotPublish."""
        template_versions.publish(version, by, timezone.now())

    @staticmethod
    def whole(version: Any) -> Model:
        """Return the row of a version."""
        template: Template = version.template
        return template
