"""Whether a rule is still as the page showed it: two people who edit it do not undo each other's work unseen."""

from django.utils.translation import gettext as _

from escalations.admin.rules.bundle import RuleForms
from escalations.admin.rules.forms import published
from escalations.admin.rules.saving import CannotSave
from notifications.models import Route, Template
from notifications.models.history import newest_record

BETWEEN = "."


class ChangedMeanwhile(CannotSave):
    pass


def seen(rule: RuleForms) -> str:
    """The newest changes of route, policy and words."""
    if rule.is_new:
        return ""
    version = published(Template.objects.filter(routes=rule.route).first())
    return BETWEEN.join(map(str, (newest_record(rule.route), newest_record(rule.policy), version.pk if version else 0)))


def must_be_as_seen(rule: RuleForms, stamp: str) -> None:
    """Lock the route. Raises ChangedMeanwhile if the rule no longer has this stamp. Words count if the rule writes
    them: templates may be shared."""
    if rule.is_new or not stamp:
        return
    Route.objects.select_for_update().filter(pk=rule.route.pk).first()
    parts = slice(None if rule.writes_words else 2)
    if seen(rule).split(BETWEEN)[parts] != stamp.split(BETWEEN)[parts]:
        raise ChangedMeanwhile(
            _(
                "Somebody else changed this rule since you opened it, so nothing is published. What you wrote still"
                " stands here: publish again to replace their change."
            )
        )
