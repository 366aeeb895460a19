"""The assistant for rules: a route, its words and its SLA policy on one page, tried before they are published together.

In: requests of staff below `/admin/notifications/route/`.
Out: the page, what the rule would do, and its rows in one transaction.
"""
