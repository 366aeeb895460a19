"""Codes for engines' answers and for calls that failed, in addition to those of notifications/reasons.py."""

from django.utils.translation import gettext_noop as _

from notifications.reasons import Reason, code

# --- answers of engines -----------------------------------------------------------------------------------------------
AND_SAYS = code("engine_and_says", "%(reason)s %(words)s", is_worded=False)
GONE = code("engine_gone", _("The engine says this address is gone (410)."))
ANSWERED = code("engine_answered", _("The engine answered %(status)s."))
FAILED = code("engine_failed", _("The engine failed (%(status)s)."))
ELSEWHERE = code("engine_elsewhere", _("The engine's address redirects (%(status)s). Correct it."))
NOT_LET_IN = code("engine_not_let_in", _("The engine refuses our sign-in (%(status)s)."))
ACCOUNT_MAY_NOT = code("engine_account_may_not", _("Their account may not do this in the engine."))
NOT_ITS_WORDS = code("engine_not_its_words", _("Unexpected reply (%(status)s): is the address correct?"))
TOO_SLOW = code("engine_too_slow", _("The engine did not do its part within %(seconds)s seconds."))
CHANGING = code("engine_changing", _("The engine was just changing the task."))
SHOWS_IT_OPEN = code("engine_shows_it_open", _("The engine does not find the task but shows it as open."))
HAD_ACTED = code("engine_had_acted", _("Its first reply was lost; the engine had acted."))
HAS_CANCELLED = code("engine_has_cancelled", _("The engine has cancelled the task."))
ENDED_THERE = code("engine_ended_it", _("Ended in the engine, where %(name)s had it."))
ENDED_SOMEHOW = code("engine_ended_somehow", _("Ended in the engine. It does not say whether by this answer."))
ENDED_THERE_SOMEHOW = code(
    "engine_ended_it_somehow",
    _("Ended in the engine, where %(name)s had it. It does not say whether by this answer."),
)
HAS_IT = code("engine_has_it", _("%(name)s has it."))
HAS_IT_MEANWHILE = code("engine_has_it_meanwhile", _("In the engine %(name)s has it meanwhile."))
NO_PLACE = code("engine_no_place", _("The engine cannot store it."))
NO_HISTORY = code("engine_no_history", _("The engine keeps no history and therefore no comments."))

TOO_MANY_AT_ONCE = code("engine_too_many_at_once", _("More than %(count)s tasks were created in the same millisecond."))

# --- calls that are not made ------------------------------------------------------------------------------------------
NOT_JSON = code("engine_not_json", _("The answer cannot be written as JSON."))
NOT_READ = code("engine_not_read", _("The stored answer cannot be read any more."))
NO_PART_OF_ADDRESS = code("engine_no_part_of_address", _("The task's id cannot be part of an address."))
NO_SIGNING_SECRET = code("engine_no_signing_secret", _("There is no active signing secret. Add one at the desk."))
NO_ADDRESS_YET = code("engine_no_address_yet", _("The engine has no address yet."))
CHANGED_THERE = code(
    "engine_changed_it",
    _("The task has changed in the engine. The answer is not sent; the person is asked again."),
)
MAY_LAG = code(
    "engine_may_lag",
    _("The engine does not show the answer yet, since its queries lag behind. It is read again."),
)
CLOSED_THERE = code("engine_closed_there", _("The engine closed the task."))
GIVEN_UP = code(
    "engine_given_up", _("The engine could not be reached for over a week. Inform the people who run the process.")
)

# --- signing in -------------------------------------------------------------------------------------------------------
NO_TOKEN = code("token_none", _("The token server gave no token (%(status)s)."))
NO_TOKEN_THERE = code("token_none_there", _("The token server gave no token (%(status)s). Is its address right?"))
TOKEN_REFUSED = code("token_refused", _("The token server refuses our credentials: %(words)s"))
TOKEN_NOT_REACHED = code("token_not_reached", _("No token: %(reason)s"))
BAD_CERTIFICATE = code(
    "bad_certificate", _("The client certificate and its key do not fit, are not PEM, or the key has a password.")
)

# --- people's own accounts --------------------------------------------------------------------------------------------
NOBODY_STAYS = code("account_nobody_stays", _("The engine does not allow longer sessions."))
JUST_RENEWED = code("account_just_renewed", _("The person's token is just being renewed."))
CONNECT_ANEW = code("account_connect_anew", _("The person has to connect their account again."))
OTHER_ADDRESS = code("account_other_address", _("The engine's address has changed."))
NOT_ACTIVE = code(
    "account_not_active",
    _("%(name)s is no longer active and cannot connect an account. Inform the engine by hand."),
)
WAITS_FOR_PERSON = code(
    "account_waits_for_person",
    _("It is sent in %(name)s's own name, once they have connected their account."),
)


def and_says(reason: Reason, words: str) -> Reason:
    """Return the reason, with the engine's text if there is any."""
    return AND_SAYS(reason=reason, words=words) if words else reason
