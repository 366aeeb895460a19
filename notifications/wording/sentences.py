"""Every sentence of the inbox that both server and browser use, so that each is translated once.

Placeholders are `{name}`. Sentences that only templates say are in the templates, in Django's own tags.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.wording.directions import all_apart

Text = str | Promise

DUE: dict[str, Text] = {
    "due_today": _("due today {time}"),
    "due_tomorrow": _("due tomorrow {time}"),
    "due_yesterday": _("due yesterday {time}"),
    "due_weekday": _("due {weekday} {time}"),
    "due_date": _("due {date} {time}"),
    "left_moment": _("less than a minute left"),
    "left_minutes": _("{m} min left"),
    "left_hours_minutes": _("{h} h {m} min left"),
    "left_hours": _("{h} h left"),
    "left_days": _("{d} days left"),
    "over_moment": _("just overdue"),
    "over_minutes": _("overdue by {m} min"),
    "over_hours_minutes": _("overdue by {h} h {m} min"),
    "over_hours": _("overdue by {h} h"),
    "over_days": _("overdue by {d} days"),
    "late_minutes": _("{m} min late"),
    "late_hours": _("{h} h late"),
    "late_days": _("{d} d late"),
    "today": _("today {time}"),
    "tomorrow": _("tomorrow {time}"),
    "yesterday": _("yesterday {time}"),
    "at_time": _("at {time}"),
    "at_date": _("on {date} at {time}"),
}

DOING: dict[str, Text] = {
    "doing_approve": _("Approving…"),
    "doing_reject": _("Rejecting…"),
    "doing_acknowledge": _("Acknowledging…"),
    "doing_request_info": _("Asking…"),
    "doing_reply": _("Sending your reply…"),
    "doing_complete": _("Completing…"),
    "doing_other": _("Sending “{title}”…"),
}

DONE: dict[str, Text] = {
    "done_approve": _("Approved."),
    "done_reject": _("Rejected."),
    "done_acknowledge": _("Acknowledged."),
    "done_request_info": _("You asked for information."),
    "done_reply": _("Your reply has been sent."),
    "done_reply_late": _("Your reply is stored with the task, which had already been decided."),
    "sent_to": _("Sent to {name}."),
    "sent_for": _("Sent to {name}, who stands in for {away}."),
    "clock_paused": _("The clock is paused."),
    "done_complete": _("Completed."),
    "done_other": _("You answered “{title}”."),
}

BY_OTHERS: dict[str, Text] = {
    "already_approve": _("Already approved by {name} {when}."),
    "already_reject": _("Already rejected by {name} {when}."),
    "already_complete": _("Already completed by {name} {when}."),
    "already_other": _("{name} already answered “{title}” {when}."),
    "already_handled": _("This has already been handled."),
    "acknowledge_means": _("“{title}” says that you have seen it. You can still answer."),
    "others_acknowledge": _("{name} acknowledged this {when}. You can still answer."),
    "others_request_info": _("{name} asked for information {when}. You can still answer."),
    "others_asked": _("{name} asked {to} {when}. You can still answer."),
    "others_asked_you": _("{name} asked you {when}. You can still answer."),
    "others_other": _("{name} answered “{title}” {when}. You can still answer."),
}

ENGINE: dict[str, Text] = {  # `system` is the engine's name, or the first of them: each sentence begins with it
    "the_system": _("The system"),
    "engine_held": _("{system} gets it in a moment."),
    "engine_waiting": _("{system} has not confirmed it yet."),
    "engine_waiting_since": _("{system} has not confirmed it yet (since {when})."),
    "engine_connect": _("It waits until you have connected your account at {engine}."),
    "engine_delivered": _("{system} has it."),
    "engine_kept": _("{system} cannot store it, so it stays here."),
    "engine_handled": _("{system} had already handled it."),
    "engine_refused": _("{system} refused it: {detail} You can answer again."),
    "engine_refused_silently": _("{system} refused it without a reason. You can answer again."),
    "given_back": _("This changed before your answer was sent, so it was not sent. Look at it again, then answer."),
    "given_back_others": _(
        "This changed after {name} had answered it {when}, so nothing was sent. It waits for an answer."
    ),
    "engine_failed": _("{system} could not be reached, and we have stopped trying. Please contact your administrator."),
}

ENDED: dict[str, Text] = {
    "withdrawn": _("No longer waiting for you."),
    "withdrawn_because": _("No longer waiting for you: {reason}"),
    "reason_completed": _("completed."),
    "reason_cancelled": _("cancelled."),
    "reason_reassigned": _("reassigned to somebody else."),
    "reason_reassigned_to": _("reassigned to {name}."),
    "expired": _("The time to answer this is over."),
}

PRIORITIES: dict[str, Text] = {"priority_urgent": _("urgent"), "priority_high": _("high")}

ASKING: dict[str, Text] = {
    "ask_reject": _("Why do you reject this?"),
    "ask_request_info": _("What do you need to know?"),
    "ask_reply": _("Your reply"),
    "hint_request_info": _("The person you ask gets it at once. Everybody who has the task can read it."),
    "hint_reply": _("It goes to the person who asked, and stays with the task."),
    "hint_other": _("It is sent with your answer."),
    "ask_other": _("Your comment"),
    "cancel": _("Cancel"),
    "copied": _("Copied"),
}

TROUBLE: dict[str, Text] = {
    "message_required": _("Write something first."),
    "message_not_sent": _("Your message has not been sent. Check your connection and try again."),
    "message_sent": _("Sent to your colleagues."),
    "comment_required": _("Write a comment first. It is sent with your answer."),
    "not_allowed": _("You cannot give this answer. Nothing was sent."),
    "changed": _("This has changed, so nothing was sent. Look at it as it is now, then answer."),
    "changed_meanwhile": _("Changed: {changes}"),
    "changed_somehow": _("This has changed."),
    "press_again": _("Look at the changes, then press “{title}” again."),
    "not_sent": _("No connection. Your answer has not been sent."),
    "not_recorded": _("Something went wrong here, and your answer was not recorded. Please try again."),
    "still_trying": _("No connection. Still trying to send your answer…"),
    "try_again": _("Try again"),
    "undo": _("Undo"),
    "key_again": _("Press {key} again to answer."),
    "too_late": _("Too late: your answer has been sent."),
    "not_loaded": _("This could not be loaded. Check your connection and try again."),
}

SIGNING: dict[str, Text] = {
    "signing": _("Confirm it with your passkey…"),
    "sign_none": _("This answer needs a passkey, so nothing was sent. Set one up under “Sign-in security”."),
    "sign_by_script": _("This answer needs your passkey, and a browser with JavaScript. Nothing was sent."),
    "sign_again": _(
        "Your passkey did not confirm this answer, so nothing was sent. Try again, or add one under “Sign-in security”."
    ),
    "sign_unable": _("This browser cannot use passkeys here, so nothing was sent. Answer in another browser."),
    "sign_now": _("You are back. Your answer still needs your passkey: press “{title}” again."),
    "sign_when_back": _("“{title}” needs your passkey. Confirm it here when you are back online."),
    "open_to_sign": _("This answer needs your passkey. Open the item to confirm it."),
}

CONNECTION: dict[str, Text] = {
    "connecting": _("Connecting…"),
    "live": _("Live"),
    "paused": _("Not live"),
    "reconnecting": _("The connection is lost, and we keep trying. You see how things were {when}."),
    "offline": _("You are offline. You see how things were {when}."),
    "connected_again": _("Connected again."),
    "signed_out": _("You have been signed out."),
    "sign_in_again": _("Sign in again"),
    "refused": _("This page cannot update itself here. Reload it to see changes."),
    "reload": _("Reload"),
    "new_version": _("There is a new version of this page."),
}

LIST: dict[str, Text] = {
    "new": _("{n} new"),
    "list_changed": _("The list has changed. Show it"),
    "arrived": _("New: {title}"),
    "unread": _("unread"),
    "on_behalf_of": _("for {name}"),
    "snoozed": _("snoozed until {at}"),
    "back": _("back from snooze since {at}"),
}

ESCALATED: dict[str, Text] = {
    "escalated_to": _("escalated to {names}"),
    "escalated_manager": _("escalated to you as {name}'s manager"),
    "escalated_lead": _("escalated to you as lead of {name}"),
    "escalated_fallback": _("escalated to you because nobody else could be notified"),
    "escalated_other": _("escalated to you"),
}

LATER: dict[str, Text] = {
    "will_be_sent": _("No connection. It will be sent when you are back."),
    "sent_again": _("Your answer could not be accepted just now. It will be sent again automatically."),
    "answer_stored": _("“{title}” will be sent when you are back."),
    "sign_in_to_send": _("“{title}” will be sent when you have signed in again."),
    "open_to_comment": _("This answer needs a comment. Open the item to write it."),
    "open_to_answer": _("Your answer was not recorded. Open the item and answer there."),
    "still_sending": _("This takes longer than usual. Your answer is saved and will be sent."),
    "something_waits": _("There is news in your inbox."),
}

REMOVED: dict[str, Text] = {
    "device_removed": _("This device was removed, and your answer was not recorded. Open the inbox and answer there."),
    "removed_title": _("This device was removed"),
    "removed_body": _(
        "It gets no more messages, and its notifications can no longer be answered. Sign in to use it again."
    ),
}

LEFT: dict[str, Text] = {
    "left_title": _("Signed out on this device"),
    "left_body": _(
        "None of your data is stored here any more. Until there is a connection to the server, nobody "
        "can open the inbox in this browser."
    ),
}

DOCUMENTS: dict[str, Text] = {
    "document_kept": _("saved on this device"),
    "document_keeping": _("is being saved… {percent} %"),
    "document_refused": _("needs a connection"),
}

FILES: dict[str, Text] = {
    "file_sending": _("Sending {name}…"),
    "file_attached": _("{name} is attached."),
    "file_signed": _("Signed."),
    "file_empty": _("{name} is empty. Choose another file."),
    "file_too_large": _("{name} is larger than {most} MB. Make it smaller, or send it in parts."),
    "file_remove": _("Remove"),
    "file_awaited": _("This goes as soon as {name} is attached."),
    "file_removed": _("{name} is not sent."),
}

CUSTOMERS: dict[str, Text] = {
    "engine_held": _("It is sent in a moment."),
    "engine_waiting": _("It is on its way."),
    "engine_waiting_since": _("It has been on its way since {when}. Nothing is lost."),
    "engine_delivered": _("We have it. Thank you."),
    "engine_kept": _("We have it. Thank you."),
    "engine_handled": _("This had already been settled."),
    "engine_refused": _("Your answer could not be accepted: {detail} You can answer again, or ask us."),
    "engine_refused_silently": _("Your answer could not be accepted. You can answer again, or ask us."),
    "engine_failed": _("Your answer could not be accepted. Please contact us in another way."),
    "already_handled": _("This has been settled already."),
    "reason_completed": _("it has been settled."),
    "reason_cancelled": _("it is not needed any more."),
    "reason_reassigned": _("somebody else takes care of it."),
    "reason_reassigned_to": _("somebody else takes care of it."),
    "done_reply_late": _("Your reply is stored, although this had already been decided."),
    "hint_request_info": _("We get your question at once."),
    "hint_reply": _("It goes to the person who asked."),
    "hint_other": _("It goes to us with your answer."),
    "comment_required": _("Write a comment first. It goes to us with your answer."),
    "too_late": _("Too late: your answer has been taken."),
    "something_waits": _("There is news for you."),
    "given_back": _("This changed after you had answered, so your answer does not count. Please look at it again."),
    "given_back_others": _("This has changed since it was answered. Please look at it again."),
}
"""Sentences for customers: they know the house, and no system behind it."""

TEXTS: dict[str, Text] = {
    **DUE, **DOING, **DONE, **BY_OTHERS, **ENGINE, **ENDED, **PRIORITIES, **ASKING, **TROUBLE, **SIGNING, **CONNECTION,
    **LIST,
    **ESCALATED, **LATER, **REMOVED, **LEFT, **DOCUMENTS, **FILES,
}  # fmt: skip

WORKER = (
    *DUE, *DONE, *BY_OTHERS, *ENGINE, *LATER, *REMOVED, *LEFT, "withdrawn", "expired", "not_allowed",
    "changed", "changed_meanwhile", "changed_somehow", "try_again", "open_to_sign",
)  # fmt: skip
"""Sentences of the service worker, in the language of each message."""

SERVER = (
    *ESCALATED,
    "on_behalf_of",
    "snoozed",
    "back",
    "withdrawn_because",
    *(key for key in ENDED if key.startswith("reason_")),
)
"""Sentences of the server only, in texts that it sends to the browser with an item."""


def say(key: str, *, customer: bool = False, **values: object) -> str:
    """Return the sentence in the active language, with its placeholders filled. `customer`: the reader is one."""
    text = CUSTOMERS.get(key, TEXTS[key]) if customer else TEXTS[key]
    return str(text).format(**all_apart(**values))


def say_of(prefix: str, action: str, *, customer: bool = False, **values: object) -> str:
    """Return the sentence of a family for an action, `<prefix>_other` if the action has none of its own."""
    key = f"{prefix}_{action}"
    return say(key if key in TEXTS else f"{prefix}_other", customer=customer, **values)


def spoken(*, customer: bool = False) -> dict[str, str]:
    """Return the sentences of pages, in the active language. Only the service worker uses those of LEFT."""
    texts = {**TEXTS, **CUSTOMERS} if customer else TEXTS
    return {key: str(text) for key, text in texts.items() if key not in SERVER and key not in LEFT}


def spoken_by_worker(*, customer: bool = False) -> dict[str, str]:
    """Return the sentences of the service worker; those for customers are only the ones that differ."""
    texts = CUSTOMERS if customer else TEXTS
    return {key: str(texts[key]) for key in WORKER if key in texts}
