"""“Where the time goes”: for people who lead a team, what came to it, and how long that waited.

`queries` reads the team's items, answers and messages; `figures` counts them by kind of task, kind of case, category or
week, and shows nothing of fewer than five people, or mostly of one; `pages` has the page and its CSV file. Times are
working time where the task's SLA counts so.
"""

from django.utils.translation import gettext_lazy as _

from notifications.additions import Pages, TeamLink
from wfpush.features import Feature

FEATURE = Feature(
    name="team_time",
    needs=["absences"],  # whose page “My team” links to it
    adds=[
        Pages("escalations.team_time.pages"),
        TeamLink("team_time:page", _("Where the time goes")),
    ],
)
