"""Insight: what happened by the hour, and how messages were seen and answered.

Once a minute, `hourly` counts events, answers, messages and waiting tasks of each hour, and `engagement` counts seen,
answered and ignored messages by category, template and channel. The counts identify nobody, and stay for 400 days.
The overview of the desk draws 24 hours, 7 or 30 days (`admin/charts.py`), and the list of items has a page about
engagement (`admin/engagement.py`).
"""

from notifications.additions import Columns, OverviewPart, PersonalData, StaleRows
from notifications.insight.hourly import RETENTION
from notifications.insight.models import CountedHour, EngagementHour
from wfpush.features import Feature
from wfpush.queue.schedules import Minutely

FEATURE = Feature(
    name="insight",
    adds=[
        Minutely("counts", "notifications.insight.tasks.count_hours"),
        OverviewPart("insight/charts.html", "notifications.insight.admin.charts.context"),
        StaleRows("hourly counts", lambda time: CountedHour.objects.filter(hour__lt=time), RETENTION),
        StaleRows("counts of engagement", lambda time: EngagementHour.objects.filter(hour__lt=time), RETENTION),
        PersonalData(
            tables={
                "insight.countedhour": Columns(),
                "insight.hourlycount": Columns(plain="what of"),
                "insight.engagementhour": Columns(),
                "insight.engagementcount": Columns(plain="channel seen answered"),
            }
        ),
    ],
)
