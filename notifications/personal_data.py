"""Every column of the core that holds text or JSON, and every reference to a person, with its treatment by erasure.

A new column or reference has to be named here, or in the `feature.py` of its feature: test_columns.py of the feature
`retention` compares all of them with the database.
"""

from typing import Any

from notifications.additions import CHANGE_REASON as _CHANGE
from notifications.additions import HISTORY_TYPE as _TYPE
from notifications.additions import Columns, PersonalData, Reference, Section

_LOOK = "slug logo_url accent accent_dark"
_REACH = "from_email reply_to domain contact contact_phone contact_email contact_address"
_TEXTS = "title body short_body"
_DEVICE = "digest sender platform name language lock_screen"
_ADDRESSES = frozenset({"address", "get_data", "post_data"})

TABLES: dict[str, Columns] = {
    # --- what happened ------------------------------------------------------------------------------------------------
    "notifications.event": Columns(
        words="subject data extensions group plan error",
        ids="source event_id",
        plain="type digest status",
        case="case task__case",
    ),
    "notifications.case": Columns(words="title type status url roles", ids="case_id", case=""),
    "notifications.task": Columns(
        words="name kind url escalated actions data info outcome",
        ids="task_id",
        plain="priority state states_before",
        case="case",
    ),
    "notifications.taskcontent": Columns(words="content event", plain="revision", case="task__case"),
    "notifications.notification": Columns(
        words=f"{_TEXTS} notice url actions details outcome reason_fact",
        plain="language state priority opened_by revision revised_from",
        case="case task__case",
    ),
    "notifications.delivery": Columns(
        words="address shown_to reason_fact words",
        plain="channel state held",
        case="notification__case notification__task__case",
    ),
    "notifications.deliveryattempt": Columns(
        words="detail_fact", case="delivery__notification__case delivery__notification__task__case"
    ),
    "notifications.deliveryreceipt": Columns(plain="channel reference code"),
    "notifications.taskmessage": Columns(words="author_name text", plain="kind via key", case="task__case"),
    "notifications.addressee": Columns(plain="state"),
    "notifications.response": Columns(
        words="comment variables values", plain="action effect via revision assurance", case="task__case"
    ),
    "notifications.refusedanswer": Columns(words="comment rule why_fact", plain="action via", case="task__case"),
    "notifications.callback": Columns(words="body detail_fact alert_fact", plain="state", case="task__case"),
    "notifications.callbackattempt": Columns(words="detail_fact", case="callback__task__case"),
    "notifications.attachment": Columns(
        words="name", plain="type sha256", case="message__task__case response__task__case"
    ),
    "notifications.attachmentpiece": Columns(own="content"),
    "notifications.idempotencykey": Columns(own="key fingerprint"),
    "notifications.actiontoken": Columns(own="digest actions void_reason_fact", plain="revision"),
    "notifications.polledtask": Columns(ids="task_id", plain="digest"),
    # --- people -------------------------------------------------------------------------------------------------------
    "notifications.recipient": Columns(own="ref name email phone locale timezone account_seal"),
    "notifications.historicalrecipient": Columns(
        own="ref name email phone locale timezone", words=_CHANGE, plain=_TYPE
    ),
    "notifications.absence": Columns(plain="open_items"),
    "notifications.absencepart": Columns(plain="case_type"),
    "notifications.historicalabsence": Columns(words=_CHANGE, plain=f"open_items parts{_TYPE}"),
    "notifications.device": Columns(own=f"channel address address_kind p256dh auth session last_fault_fact {_DEVICE}"),
    "notifications.historicaldevice": Columns(
        own=f"channel address_kind history_change_reason_fact {_DEVICE}", words=_CHANGE, plain=_TYPE
    ),
    "notifications.farewell": Columns(own="channel address address_kind p256dh auth digest sender platform language"),
    "notifications.savedview": Columns(own="name query"),
    "notifications.recipienttoken": Columns(own="label prefix digest"),
    "notifications.signinlink": Columns(own="digest next"),
    "notifications.linkmail": Columns(own="next detail", words="by"),
    "notifications.linkrequest": Columns(words="email next", goes=True),
    "notifications.connectedaccount": Columns(own="name given_for access_token refresh_token end_reason_fact"),
    "notifications.signedout": Columns(),
    "notifications.preferences": Columns(plain="digest_times"),
    "notifications.quiethours": Columns(plain="days"),
    "notifications.categorychoice": Columns(plain="channels frequency"),
    "notifications.heldreview": Columns(),
    "notifications.entitlementreview": Columns(),
    "notifications.mutedcase": Columns(),
    "notifications.followedkind": Columns(plain="case_type"),
    "notifications.team_members": Columns(),
    "notifications.case_followers": Columns(),
    "notifications.task_candidates": Columns(),
    "notifications.task_teams": Columns(),
    # --- configuration ------------------------------------------------------------------------------------------------
    "notifications.brand": Columns(words=f"name {_REACH}", plain=_LOOK),
    "notifications.historicalbrand": Columns(words=f"name {_REACH}{_CHANGE}", plain=f"parts {_LOOK}{_TYPE}"),
    "notifications.team": Columns(words="name", plain="slug"),
    "notifications.historicalteam": Columns(words=f"name{_CHANGE}", plain=f"parts slug{_TYPE}"),
    "notifications.historicalteam_members": Columns(),
    "notifications.engine": Columns(
        words="name callback_disabled_reason_fact not_compared_reason_fact", plain="slug kind callback_url"
    ),
    "notifications.historicalengine": Columns(words=f"parts name{_CHANGE}", plain=f"slug kind callback_url{_TYPE}"),
    "notifications.engineaccess": Columns(
        plain="auth name secret header token_url token_body scope audience certificate key paths"
    ),
    "notifications.personalsignin": Columns(plain="mode authorize_url token_url client_id client_secret scope"),
    "notifications.pushkey": Columns(plain="public_key private_key"),
    "notifications.apikey": Columns(words="name", plain="prefix digest scopes"),
    "notifications.signingsecret": Columns(plain="secret"),
    "notifications.eventmapping": Columns(words="expression", plain="member"),
    "notifications.answermapping": Columns(words="outcome variables", plain="action task_kind"),
    "notifications.poll": Columns(words="cursor error_fact"),
    "notifications.pausedservice": Columns(words="reason_fact", plain="channel service"),
    "notifications.category": Columns(
        words="name names name_de mandatory_reason", plain="slug channels frequency mandatory"
    ),
    "notifications.historicalcategory": Columns(
        words=f"name names name_de mandatory_reason{_CHANGE}", plain=f"slug channels frequency mandatory{_TYPE}"
    ),
    "notifications.categorydefault": Columns(plain="channels frequency"),
    "notifications.historicalcategorydefault": Columns(words=_CHANGE, plain=f"channels frequency{_TYPE}"),
    "notifications.eventtype": Columns(words="description sample", plain="name"),
    "notifications.historicaleventtype": Columns(words=f"parts description sample{_CHANGE}", plain=f"name{_TYPE}"),
    "notifications.eventvariable": Columns(words="label", plain="path"),
    "notifications.route": Columns(words="name"),
    "notifications.historicalroute": Columns(words=f"parts name{_CHANGE}", plain=_TYPE),
    "notifications.route_event_types": Columns(),
    "notifications.historicalroute_event_types": Columns(),
    "notifications.routecondition": Columns(words="value", plain="path operator"),
    "notifications.routetarget": Columns(plain="kind ref path role"),
    "notifications.limit": Columns(plain="channel"),
    "notifications.historicallimit": Columns(words=_CHANGE, plain=f"channel{_TYPE}"),
    "notifications.caselist": Columns(plain="case_type"),
    "notifications.historicalcaselist": Columns(words=_CHANGE, plain=f"case_type{_TYPE}"),
    "notifications.caselist_people": Columns(),
    "notifications.caselist_teams": Columns(),
    "notifications.historicalcaselist_people": Columns(),
    "notifications.historicalcaselist_teams": Columns(),
    "notifications.template": Columns(words="name", plain="slug fallback_language"),
    "notifications.historicaltemplate": Columns(words=f"name{_CHANGE}", plain=f"slug fallback_language{_TYPE}"),
    "notifications.templateversion": Columns(words="note", plain="state"),
    "notifications.templatetext": Columns(words=_TEXTS, plain="language channel"),
    "notifications.customertext": Columns(words=_TEXTS, plain="language channel"),
    "notifications.templateaction": Columns(words="labels", plain="action comment"),
    "notifications.templatefact": Columns(words="labels", plain="path kind currency"),
    "notifications.foureyesrule": Columns(words="name"),
    "notifications.historicalfoureyesrule": Columns(words=f"parts name{_CHANGE}", plain=_TYPE),
    "notifications.foureyescondition": Columns(words="value", plain="path operator"),
    # --- Django's and its apps' ---------------------------------------------------------------------------------------
    "admin.logentry": Columns(words="object_repr change_message", plain="object_id"),
    "auth.user": Columns(own="password username first_name last_name email"),
    "auth.group": Columns(words="name"),
    "auth.permission": Columns(plain="name codename"),
    "auth.group_permissions": Columns(),
    "auth.user_groups": Columns(),
    "auth.user_user_permissions": Columns(),
    "contenttypes.contenttype": Columns(plain="app_label model"),
    "sessions.session": Columns(words="session_data", plain="session_key", goes=True),
    "axes.accessattempt": Columns(
        words="username http_accept path_info get_data post_data", plain="user_agent ip_address", goes=True
    ),
    "axes.accessattemptexpiration": Columns(),
    "axes.accesslog": Columns(
        words="username http_accept path_info", plain="user_agent ip_address session_hash", goes=True
    ),
    "axes.accessfailurelog": Columns(words="username http_accept path_info", plain="user_agent ip_address", goes=True),
    "django_q.task": Columns(words="name result", plain="id func hook args kwargs group cluster", goes=True),
    "django_q.schedule": Columns(
        plain="name func hook args kwargs schedule_type cron task cluster intended_date_kwarg"
    ),
    "django_q.ormq": Columns(plain="key payload"),
    "wfpush.servicestate": Columns(words="reason reason_fact", plain="kind name state"),
    "wfpush.heartbeat": Columns(plain="name machine holders release"),
    "wfpush.tally": Columns(plain="name kind state"),
    "wfpush.configurationchange": Columns(),
    "wfpush.writecheck": Columns(),
    "wfpush.requiredrelease": Columns(plain="version"),
    "notifications.searchedpart": Columns(words="texts", plain="items", goes=True, repeats=True),
    "notifications.searchedanew": Columns(repeats=True),
}

GO: tuple[Reference, ...] = (
    ("notifications.absence", "recipient"),
    ("notifications.preferences", "recipient"),
    ("notifications.quiethours", "recipient"),
    ("notifications.categorychoice", "recipient"),
    ("notifications.heldreview", "recipient"),
    ("notifications.mutedcase", "recipient"),
    ("notifications.followedkind", "recipient"),
    ("notifications.savedview", "recipient"),
    ("notifications.actiontoken", "recipient"),
    ("notifications.idempotencykey", "recipient"),
    ("notifications.recipienttoken", "recipient"),
    ("notifications.signinlink", "recipient"),
    ("notifications.linkmail", "recipient"),
    ("notifications.connectedaccount", "recipient"),
    ("notifications.searchedpart", "recipient"),
    ("notifications.team_members", "recipient"),
    ("notifications.case_followers", "recipient"),
    ("notifications.caselist_people", "recipient"),
    ("notifications.historicalabsence", "recipient"),
)
"""Rows of the person alone. Devices are removed earlier, with messages (notifications/people)."""

STAY: tuple[Reference, ...] = (
    ("notifications.recipient", "manager"),
    ("notifications.historicalrecipient", "manager"),
    ("notifications.absence", "delegate"),
    ("notifications.absence", "entered_by"),
    ("notifications.absencepart", "delegate"),
    ("notifications.historicalabsence", "delegate"),
    ("notifications.historicalteam_members", "recipient"),
    ("notifications.historicalcaselist_people", "recipient"),
    ("notifications.team", "lead"),
    ("notifications.historicalteam", "lead"),
    ("notifications.historicaldevice", "recipient"),
    ("notifications.device", "recipient"),
    ("notifications.farewell", "recipient"),
    ("notifications.task", "assignee"),
    ("notifications.task", "initiator"),
    ("notifications.task_candidates", "recipient"),
    ("notifications.routetarget", "person"),
    ("notifications.notification", "recipient"),
    ("notifications.notification", "on_behalf_of"),
    ("notifications.delivery", "recipient"),
    ("notifications.taskmessage", "author"),
    ("notifications.addressee", "person"),
    ("notifications.addressee", "away"),
    ("notifications.response", "recipient"),
    ("notifications.response", "asked"),
    ("notifications.refusedanswer", "recipient"),
    ("notifications.attachment", "uploader"),
)

NAMED_BY: tuple[Reference, ...] = (
    ("notifications.route", "targets__person"),
    ("notifications.team", "lead"),
    ("notifications.recipient", "manager"),
    ("notifications.recipient", "absence__delegate"),
)


def _names(person: Any) -> list[str]:
    user = person.user
    return [each for each in (person.ref, person.email, user.get_username() if user else "") if each]


EXPORT: dict[str, Section] = {
    "profile": Section("notifications.recipient", "pk"),
    "profile_history": Section("notifications.historicalrecipient", "id"),
    "account": Section("auth.user", "pk", lambda person: person.user_id),
    "absence": Section("notifications.absence", "recipient"),
    "absence_history": Section("notifications.historicalabsence", "recipient"),
    "stands_in_for": Section("notifications.absence", "delegate"),
    "stands_in_for_some": Section("notifications.absencepart", "delegate"),
    "teams": Section("notifications.team_members", "recipient"),
    "preferences": Section("notifications.preferences", "recipient"),
    "quiet_hours": Section("notifications.quiethours", "recipient"),
    "category_choices": Section("notifications.categorychoice", "recipient"),
    "saved_views": Section("notifications.savedview", "recipient"),
    "devices": Section("notifications.device", "recipient", without=_ADDRESSES),
    "device_history": Section("notifications.historicaldevice", "recipient"),
    "muted_cases": Section("notifications.mutedcase", "recipient"),
    "followed_kinds": Section("notifications.followedkind", "recipient"),
    "lists_for_cases": Section("notifications.caselist_people", "recipient"),
    "followed_cases": Section("notifications.case_followers", "recipient"),
    "tasks_assigned": Section("notifications.task", "assignee"),
    "tasks_begun": Section("notifications.task", "initiator"),
    "tasks_offered": Section("notifications.task_candidates", "recipient"),
    "items": Section("notifications.notification", "recipient"),
    "items_on_their_behalf": Section("notifications.notification", "on_behalf_of"),
    "messages_sent": Section("notifications.delivery", "recipient"),
    "tries_to_send": Section("notifications.deliveryattempt", "delivery__recipient"),
    "answers": Section("notifications.response", "recipient"),
    "answers_refused": Section("notifications.refusedanswer", "recipient"),
    "written": Section("notifications.taskmessage", "author"),
    "written_to_them": Section("notifications.addressee", "person"),
    "files": Section("notifications.attachment", "uploader"),
    "tokens": Section("notifications.recipienttoken", "recipient"),
    "sign_in_links": Section("notifications.signinlink", "recipient"),
    "links_by_email": Section("notifications.linkmail", "recipient"),
    "links_to_answer": Section("notifications.actiontoken", "recipient"),
    "connected_accounts": Section("notifications.connectedaccount", "recipient"),
    "sign_ins": Section("axes.accesslog", "username__in", _names),
    "failed_sign_ins": Section("axes.accessattempt", "username__in", _names, _ADDRESSES),
    "done_at_the_desk": Section("admin.logentry", "user", lambda person: person.user_id),
    "done_to_them": Section("admin.logentry", "object_id", lambda person: str(person.pk)),
}

COUNTED = [
    (f"notifications.{name}", "recipient")
    for name in ("device", "recipienttoken", "actiontoken", "connectedaccount", "absence", "savedview")
]

PERSONAL_DATA = PersonalData(TABLES, GO, STAY, NAMED_BY, EXPORT, COUNTED)
