"""The HTTP API below `/api/v1/` (docs/api.md): who calls, how often, and what each address takes and gives.

In: requests of engines, apps and programs.
Out: JSON; events for `intake`, answers for `answers`, devices and people for `people`.
"""
