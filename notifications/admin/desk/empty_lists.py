"""Texts of empty lists: what the list shows, why it is empty, and what to do."""

from collections.abc import Mapping

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.additions import DeskList
from wfpush import features

SAYS: dict[str, str | Promise] = {
    # Events, messages and answers.
    "notifications.event": _(
        "What engines have sent. Nothing has come yet: add an engine, give it a key, and let it send its first event."
    ),
    "notifications.task": _("What engines wait for somebody to do. None has come yet: tasks come with events."),
    "notifications.case": _("What events and tasks belong to. None has come yet: cases come with events."),
    "notifications.notification": _(
        "What each person has in their inbox. Nothing has come yet: it begins with the first event that a rule matches."
    ),
    "notifications.delivery": _(
        "Each message, by its channel, and what became of it. "
        "None has been made yet: they come with what is in inboxes."
    ),
    "notifications.deliveryattempt": _("Each try to send a message. None has been made yet."),
    "notifications.response": _("What people have answered. Nobody has answered yet."),
    "notifications.refusedanswer": _("Answers that a four-eyes rule has refused. None has been refused."),
    "notifications.callback": _("Calls that tell engines an answer. None has been made: nobody has answered yet."),
    "notifications.callbackattempt": _("Each try to tell an engine an answer. None has been made yet."),
    "admin.logentry": _("Who did what at the desk, and when. Nobody has done anything yet."),
    "notifications.pausedservice": _(
        "Push services, mail servers and gateways that refuse our messages, and are left alone for a while. None does."
    ),
    "notifications.eventvariable": _("Variables that events have had, by engine. No event had one yet."),
    "notifications.idempotencykey": _(
        "Keys by which requests that come twice are known, for 7 days. No request had one lately."
    ),
    # People.
    "notifications.recipient": _(
        "Whoever can be told something, staff and customers. Add the first one, or let an engine do so by the API."
    ),
    "notifications.team": _(
        "People who are told things together. Add the first one, or let an engine do so by the API."
    ),
    "notifications.device": _(
        "Browsers and apps that show messages. There is none yet: people turn notifications on in their inbox, on each."
    ),
    "notifications.brand": _("The names, colours and contacts that customers see. Add the first one."),
    "notifications.connectedaccount": _(
        "Accounts by which people answer an engine in their own name. "
        "There is none: people connect theirs in the inbox if the engine's page wants it."
    ),
    # Configuration.
    "notifications.engine": _(
        "Systems whose events come here, and which are told the answers. "
        "Add the first one by its name, kind and address."
    ),
    "notifications.eventmapping": _(
        "How events are read that come in an engine's own form. There is none: it is set up on the engine's page."
    ),
    "notifications.answermapping": _(
        "What answers are called in the engine. There is none: it is set up on the engine's page."
    ),
    "notifications.route": _(
        "Rules decide who is notified of an event. There is none yet: create the first one, and try it with a dry run."
    ),
    "notifications.routecondition": _("Conditions of rules. They are edited on the rule's page."),
    "notifications.routetarget": _("Recipients of rules. They are chosen on the rule's page."),
    "notifications.eventtype": _("Types of events that rules can match. Add the first one."),
    "notifications.category": _("What people can be told of, and by which channels. Add the first one."),
    "notifications.foureyesrule": _(
        "Which tasks may not be decided by whoever began them. Add the first one where that has to hold."
    ),
    "notifications.foureyescondition": _("For which tasks a four-eyes rule is. They are written on the rule's page."),
    "notifications.caselist": _("Who is told of cases of one type, whoever has their tasks. Add the first one."),
    "notifications.template": _("The words of messages, in each language. Add the first one."),
    "notifications.templateversion": _("The words of templates as they were and are. Begin one on a template's page."),
    "notifications.templatetext": _("The texts of templates. They are written on the page of a version."),
    "notifications.customertext": _("What customers read instead. It is written on the page of a version."),
    "notifications.templatefact": _("The values by which people decide. They are named on the page of a version."),
    "notifications.templateaction": _("The buttons of templates. They are set up on the page of a version."),
    # Access.
    "auth.user": _("Accounts that can sign in. Add the first one."),
    "auth.group": _("What accounts may do at the desk. Add the first one."),
    "notifications.apikey": _("Keys by which engines call. Without one none can: add one for each engine."),
    "notifications.signingsecret": _(
        "By which engines know that a call comes from here. Add one for each engine that is called."
    ),
    "notifications.recipienttoken": _(
        "Keys of people's apps and portals. There is none: they are asked for by the API when somebody signs in there."
    ),
    "notifications.signinlink": _(
        "Links that sign a person in once. There is none: send one from a person's page, or ask for one by the API."
    ),
    "notifications.linkmail": _("Sign-in links that people had mailed to them. Nobody has asked for one in 7 days."),
    "notifications.actiontoken": _(
        "By which a message can be answered without signing in. There is none: they come with messages that offer it."
    ),
    "axes.accessattempt": _("Who is locked out after too many wrong passwords. Nobody is."),
    "axes.accesslog": _("Who signed in, when and from where. Nobody has signed in yet."),
    # Background processes.
    "django_q.failure": _("Background work that ended with a fault. Nothing has in 7 days."),
    "wfpush.heartbeat": _("Signs of life of the worker. There is none: start `manage.py worker`."),
}
"""Texts by the label of the model. Other apps add theirs."""


def texts() -> Mapping[str, str | Promise]:
    """Return all texts, those of features too, by the label of the model."""
    return SAYS | {each.model: each.empty for each in features.added(DeskList)}


def empty_text(model: type[Model]) -> str:
    return str(texts()[model._meta.label_lower])
