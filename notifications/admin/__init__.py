"""The administrators' pages: a file for each file of models, and for each page with a subject of its own.

In: requests of staff below `/admin/`; what other apps add by `navigation`, `overview` and `search`.
Out: pages and forms; changes of the configuration; work that an administrator sends again.
"""

from django.contrib import admin

from notifications.admin.desk import style
from notifications.admin.engines import engines, keys, limits  # noqa: F401  # each registers its lists
from notifications.admin.ledger import audit, delivery, events, responses, tasks  # noqa: F401  # each registers its lists
from notifications.admin.people import access, devices, people  # noqa: F401  # each registers its lists
from notifications.admin.rules import case_lists, four_eyes, routing  # noqa: F401  # each registers its lists
from notifications.admin.wording import brands, templates  # noqa: F401  # each registers its lists

admin.site.extra_urls = style.urls  # type: ignore[attr-defined]  # unfold adds them to its own
