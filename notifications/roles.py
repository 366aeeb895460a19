"""The groups of a fresh installation, and their permissions."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from django.apps import apps as installed
from django.db.migrations import RunPython

from notifications.additions import Rights
from wfpush import features

ADMINISTRATORS, OPERATORS, EDITORS = "Administrators", "Operators", "Template editors"
RULE_EDITORS, CONNECTION_OWNERS, AUDITORS = "Rule editors", "Connection owners", "Auditors"

CONNECTIONS = ("engine", "limit", "poll", "eventmapping", "answermapping")
RULES = (
    "category",
    "categorydefault",
    "eventtype",
    "route",
    "routecondition",
    "routetarget",
    "foureyesrule",
    "foureyescondition",
    "caselist",
)
NAMED_BY_RULES = ("recipient", "team", "template", "eventvariable")
"""Models of which the forms of rules offer rows."""
PREFERENCES = ("preferences", "quiethours", "categorychoice", "mutedcase", "followedkind")
ABSENCES = ("absence", "absencepart")
CONFIGURATION = (*CONNECTIONS, *RULES, "eventvariable", "brand", "recipient", *ABSENCES, *PREFERENCES, "team")
WORDING = ("template", "templateversion", "templatetext", "customertext", "templateaction", "templatefact")
LEDGERS = (
    "event",
    "task",
    "case",
    "notification",
    "delivery",
    "deliveryattempt",
    "response",
    "refusedanswer",
    "callback",
    "callbackattempt",
    "idempotencykey",
    "device",
    "pausedservice",
)
CREDENTIALS = ("engineaccess", "personalsignin", "apikey", "signingsecret")
WAYS_IN = ("recipienttoken", "signinlink", "linkmail", "actiontoken", "connectedaccount")
LOCKS = (("axes", "accessattempt"), ("axes", "accesslog"))
BACKGROUND = (("django_q", "failure"), ("wfpush", "heartbeat"))
ACCOUNTS = (("auth", "user"), ("auth", "group"))
AUDIT = (("admin", "logentry"),)
ALL = ("view", "add", "change", "delete")

Right = tuple[str, str, str]
"""App, verb and model. On a ledger `change` means its actions: process or send again; its rows cannot be edited."""


def _rights(models: Iterable[str], *verbs: str) -> set[Right]:
    return {("notifications", verb, model) for model in models for verb in verbs}


def _viewing(models: Iterable[tuple[str, str]]) -> set[Right]:
    return {(app, "view", model) for app, model in models}


def _operating() -> set[Right]:
    """Return the rights to see all that happens, with its reasons, and to start failed work again."""
    seen = _rights(
        (
            *LEDGERS,
            "engine",
            "limit",
            "engineaccess",
            "personalsignin",
            "connectedaccount",
            "poll",
            "eventvariable",
            *RULES,
            "recipient",
            *ABSENCES,
            *PREFERENCES,
            "team",
            "brand",
            "template",
        ),
        "view",
    )
    return seen | _rights(("event", "delivery", "callback", "device", "pausedservice"), "change") | _viewing(BACKGROUND)


def _editing() -> set[Right]:
    """Return the rights on templates, their preview and publication only."""
    return _rights(WORDING, *ALL)


def _writing_rules() -> set[Right]:
    """Return the rights on routes and other rules with their parts; samples are for trying them, not real events."""
    return _rights(RULES, *ALL) | _rights(NAMED_BY_RULES, "view")


def _connecting() -> set[Right]:
    """Return the rights on engines: their polling, mappings, keys and sign-ins."""
    accounts = _rights(("connectedaccount",), "view", "change")
    return _rights(CONNECTIONS, *ALL) | _rights(CREDENTIALS, "view", "add", "change") | accounts


def _auditing() -> set[Right]:
    """Return the rights to see all past and present data, and change nothing. Only their makers see secrets."""
    ours = _rights((*CONFIGURATION, *WORDING, *LEDGERS, *CREDENTIALS, *WAYS_IN), "view")
    return ours | _viewing((*LOCKS, *BACKGROUND, *ACCOUNTS, *AUDIT))


def _administering() -> set[Right]:
    """Return the rights on all configuration. Only superusers give all rights, and change the permissions of groups."""
    users = {("auth", verb, "user") for verb in ("view", "add", "change")} | {("auth", "view", "group")}
    locks = _viewing(LOCKS) | {("axes", "delete", "accessattempt")}
    ways_in = _rights(CREDENTIALS, "view", "add", "change") | _rights(WAYS_IN, "view", "change")
    accounts = users | locks | ways_in | _viewing(AUDIT)
    return _operating() | _editing() | _rights(CONFIGURATION, *ALL) | accounts


CORE: Mapping[str, Callable[[], set[Right]]] = {
    ADMINISTRATORS: _administering,
    OPERATORS: _operating,
    EDITORS: _editing,
    RULE_EDITORS: _writing_rules,
    CONNECTION_OWNERS: _connecting,
    AUDITORS: _auditing,
}


@cache
def roles() -> Mapping[str, frozenset[Right]]:
    """Return the rights of each group, those on tables of features too."""
    return {name: frozenset(core() | _added(name)) for name, core in CORE.items()}


def _added(role: str, app: str = "") -> set[Right]:
    """Return the rights that features add, or one of them."""
    rights = [rights for rights in features.added(Rights) if rights.role == role]
    labels = {(*label.split("."), verb) for each in rights for label in each.models for verb in each.verbs}
    return {(label, verb, model) for label, model, verb in labels if app in ("", label)}


def on_configuration(*models: str) -> list[Rights]:
    """Return the rights on a feature's configuration, by labels of models: administrators have all, operators and
    auditors see it."""
    return [Rights(ADMINISTRATORS, models), Rights(OPERATORS, models, ["view"]), Rights(AUDITORS, models, ["view"])]


def give_added_rights(app: str) -> RunPython:
    """Return the operation that gives groups their rights on the tables of a feature, by the label of its app."""

    def give(apps: Any, schema_editor: Any) -> None:
        for group in apps.get_model("auth", "Group").objects.filter(name__in=CORE):
            group.permissions.add(*(permission(apps, *right) for right in sorted(_added(group.name, app))))

    return RunPython(give, RunPython.noop)


def ensure_roles(apps: Any, names: Iterable[str] = tuple(CORE)) -> None:
    """Create missing groups with their permissions. Existing groups stay as administrators have changed them.

    `apps` is Django's registry or a migration's. Permissions are created here, too, because Django itself creates them
    only after the last migration; it finds and keeps these.
    """
    group_model = apps.get_model("auth", "Group")
    for name in names:
        group, created = group_model.objects.get_or_create(name=name)
        if created:
            group.permissions.set([permission(apps, *right) for right in sorted(roles()[name])])


def permission(apps: Any, app: str, verb: str, model: str) -> Any:
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(app_label=app, model=model)
    words = installed.get_model(app, model)._meta.verbose_name_raw
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type, codename=f"{verb}_{model}", defaults={"name": f"Can {verb} {words}"}
    )
    return permission


def give_rights(**models: str) -> RunPython:
    """Return the operation that gives groups the same rights on each new model as on another one: `new="other"`."""

    def give(apps: Any, schema_editor: Any) -> None:
        for model, other in models.items():
            _give_as(apps, model, like=other)

    return RunPython(give, RunPython.noop)


def _give_as(apps: Any, model: str, *, like: str) -> None:
    for group in apps.get_model("auth", "Group").objects.filter(permissions__codename__endswith=f"_{like}").distinct():
        of_other = group.permissions.filter(content_type__app_label="notifications", codename__endswith=f"_{like}")
        verbs = [codename.removesuffix(f"_{like}") for codename in of_other.values_list("codename", flat=True)]
        group.permissions.add(*(permission(apps, "notifications", verb, model) for verb in sorted(verbs)))
