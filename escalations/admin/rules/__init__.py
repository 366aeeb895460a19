"""The assistant for rules: a route, its texts and its SLA policy on one page, tried before they are published together.

In: requests of staff below `/admin/notifications/route/`.
Out: the page, the effect of the rule, and its rows in one transaction.
"""
