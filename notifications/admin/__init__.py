"""The administrators' pages: a file for each file of models, and for each page with a subject of its own.

In: requests of staff below `/admin/`; what other apps add by `navigation`, `overview` and `search`.
Out: pages and forms; changes of the configuration; work that an administrator sends again.
"""

from notifications.admin import (  # noqa: F401  # each registers its lists
    absences,
    access,
    audit,
    brands,
    case_lists,
    delivery,
    devices,
    engines,
    events,
    four_eyes,
    keys,
    people,
    responses,
    routing,
    tasks,
    templates,
)
