"""The reasons of steps, and of the beginning and end of clocks: codes of escalations, beside those of
notifications/reasons.py."""

from django.utils.translation import gettext_noop as _

from notifications.reasons import code

# --- reasons of people left out (targets.py, dead_ends.py) ------------------------------------------------------------
LEFT = code("left", _("%(name)s is no longer active"))
AWAY = code("away", _("%(name)s is away, and nobody stands in"))
NO_MANAGER = code("no_manager", _("%(name)s has no manager"))
CIRCLE = code("managers_in_circle", _("the managers of %(name)s form a circle"))
NO_ASSIGNEE = code("no_assignee", _("the task has no assignee"))
NO_CANDIDATES = code("no_candidates", _("the task has no candidates"))
NO_TEAM_WITH_MEMBERS = code("no_team_with_members", _("the task has no team with members"))
NO_MEMBERS = code("team_without_members", _("team %(name)s has no members"))
NO_LEAD = code("no_lead", _("team %(name)s has no lead"))
NO_TEAM_TO_LEAD = code("no_team_to_lead", _("no team lead could be notified"))
TEAM_GONE = code("team_gone", _("the team was deleted"))
PERSON_GONE = code("person_gone", _("the person was deleted"))
INBOX_ONLY = code("inbox_only", _("%(names)s would see it in the inbox only: no device and no e-mail"))
TURNED_OFF = code("all_turned_off", _("%(names)s would see it in the inbox only: the other channels are turned off"))
QUIET = code("all_quiet", _("%(names)s would be notified later: quiet hours until %(until)s"))
NOBODY_ELSE = code("nobody_else", _("nobody else was found"))
BY_POLICY = code("named_by_policy", _("named by the policy"))

# --- reassignments and calls of engines (reassign.py, engine_calls.py) ------------------------------------------------
ASKED = code("engine_asked", _("%(engine)s is asked to give it to %(name)s (%(reason)s)"))
HAS_IT = code("has_it", _("%(name)s has it already"))
HAD_IT = code("had_it", _("%(name)s had it before, and does not get it back"))
FOUR_EYES = code("four_eyes", _("%(name)s may not decide it, by “%(rule)s”"))
NO_ADDRESS = code("engine_without_address", _("%(engine)s has no address to call"))
TOLD = code("engine_told", _("%(engine)s gets the answer"))

# --- results of steps (raise_priority.py, due_steps.py) ---------------------------------------------------------------
PRIORITY_WAS = code("priority_was", _("The priority was %(priority)s already"))
PRIORITY_IS = code("priority_is", _("The priority is %(priority)s"))
TOO_EARLY = code("before_the_task", _("Its time was before the task was created"))
OVERTAKEN = code("overtaken", _("Missed, and step %(step)s reports it"))

# --- fit of policies (matching.py) ------------------------------------------------------------------------------------
POLICY = code("by_policy", "%(policy)s: %(reason)s", is_worded=False)
OTHER_ENGINE = code("other_engine", _("only for another engine"))
NO_DUE_DATE = code("no_due_date", _("the task has no due date"))
FITS_ALL = code("fits_all", _("it matches every task"))

# --- end of clocks (clock.py) -----------------------------------------------------------------------------------------
ACKNOWLEDGED = code("acknowledged", _("acknowledged"))
NO_POLICY = code("no_policy", _("no policy matches any more"))
GIVEN_AWAY = code("given_away", _("reassigned to somebody else"))
ANSWERED = code("answered", _("answered"))
CLOSED_IN_ENGINE = code("closed_in_engine", _("closed in engine"))
CANCELLED_IN_ENGINE = code("cancelled_in_engine", _("cancelled in engine"))
CLOCK_EXPIRED = code("clock_expired", _("expired"))
CLOSED = code("closed", _("closed"))
CLOSED_MEANWHILE = code("closed_meanwhile", _("closed meanwhile"))
