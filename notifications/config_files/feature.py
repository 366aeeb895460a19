"""Configuration as files: rules, templates, policies and more as YAML, which are planned, applied and undone.

`kinds` and `columns` say how a row reads in files, from what core and features declare (`ConfigTable`). `nodes` and
`documents` read and write folders; `changes` compares; `applying` plans, applies and undoes through `writing`;
`fixed` tells which file owns a row, and refuses other changes. The ways in are `management/commands/config.py`, and by
`api` the keys of operators, which `rights` keeps to what their accounts may do. `other_installation` reads the latter.
"""

from notifications import roles
from notifications.additions import (
    ApiPaths,
    Columns,
    ConfigEffects,
    DeskList,
    FixedRows,
    PasswordNotice,
    PersonalData,
    Rights,
)
from wfpush.features import Feature

FEATURE = Feature(
    name="config_files",
    adds=[
        FixedRows("notifications.config_files.fixed.why", "notifications.config_files.fixed.refuse_changes"),
        ConfigEffects("notifications.config_files.effects.Effects"),
        DeskList("access", "config_files.configapply", after="auth.group", icon="publish"),
        DeskList("access", "config_files.ownedthing", after="config_files.configapply", icon="content_copy"),
        DeskList("access", "config_files.operatorkey", after="notifications.apikey", icon="key"),
        ApiPaths("notifications.config_files.api"),
        PasswordNotice("notifications.config_files.operator_keys.end_with_password"),
        *(
            Rights(role, ["config_files.configapply", "config_files.ownedthing"], ["view"])
            for role in (roles.ADMINISTRATORS, roles.AUDITORS)
        ),
        Rights(roles.ADMINISTRATORS, ["config_files.ownedthing"], ["delete"]),
        Rights(roles.ADMINISTRATORS, ["config_files.operatorkey"], ["view", "add", "change"]),
        Rights(roles.AUDITORS, ["config_files.operatorkey"], ["view"]),
        PersonalData(
            tables={
                "config_files.configapply": Columns(words="by_name sentences before after owned", plain="source"),
                "config_files.ownedthing": Columns(words="name", plain="kind file left_out"),
                "config_files.operatorkey": Columns(words="name", plain="prefix digest"),
            }
        ),
    ],
)
