"""The core's configuration that can be in files: declarations, each behind those that it refers to.

In: nothing.
Out: declarations, which the feature for configuration as files reads.
"""

from notifications.additions import ConfigName, ConfigPart, ConfigTable

_TEXT = "language channel title body short_body"
_CONDITION = "path operator value"
_DEFAULT = "category channels frequency"

CONFIG = (
    ConfigName("notifications.recipient", "ref engine"),
    ConfigTable(
        "notifications.brand",
        "slug",
        kind="brands",
        fields="name logo_url accent accent_dark from_email reply_to domain contact contact_phone contact_email "
        "contact_address names_staff",
        parts=[ConfigPart("category_defaults", _DEFAULT)],
    ),
    ConfigTable(
        "notifications.engine",
        "slug",
        kind="engines",
        fields="name kind active callback_url most_waiting reads_before_answers",
        parts=[
            ConfigPart(
                "access",
                "auth name secret header token_url token_body scope audience certificate key paths",
                is_one=True,
            ),
            ConfigPart("poll", "enabled every sweep_every", is_one=True),
            ConfigPart("event_mappings", "member expression"),
            ConfigPart("answer_mappings", "action task_kind outcome variables"),
        ],
        hooks="notifications.admin.engines.config_hooks.EngineHooks",
    ),
    ConfigTable(
        "notifications.category",
        "slug",
        kind="categories",
        fields="name names position channels mandatory mandatory_reason frequency",
        own_files=False,
    ),
    ConfigTable(
        "notifications.template",
        "slug",
        kind="templates",
        fields="name fallback_language",
        parts=[
            ConfigPart("texts", _TEXT),
            ConfigPart("customer_texts", _TEXT),
            ConfigPart("facts", "position path kind labels currency"),
            ConfigPart("actions", "action comment labels"),
        ],
        versions="notifications.wording.config_versions.TemplateVersions",
    ),
    ConfigTable(
        "notifications.eventtype",
        "name",
        kind="event_types",
        fields="description sample",
        parts=[ConfigPart("variables", "path label sensitive settable")],
    ),
    ConfigTable(
        "notifications.team",
        "slug",
        kind="teams",
        fields="name lead members",
        parts=[ConfigPart("category_defaults", _DEFAULT)],
        left_out="members",
        own_files=False,
    ),
    ConfigTable(
        "notifications.caselist",
        "case_type engine",
        kind="case_lists",
        fields="people teams",
        is_list=True,
        own_files=False,
    ),
    ConfigTable(
        "notifications.route",
        "name",
        kind="rules",
        fields="enabled priority stop event_types engine template category brand answer_from_email answer_from_push",
        parts=[ConfigPart("conditions", _CONDITION), ConfigPart("targets", "kind team person ref path role")],
    ),
    ConfigTable(
        "notifications.foureyesrule",
        "name",
        kind="four_eyes_rules",
        fields="enabled engine not_initiator not_previous",
        parts=[ConfigPart("conditions", _CONDITION)],
        own_files=False,
    ),
    ConfigTable("auth.group", "name", kind="roles", fields="permissions"),
)
