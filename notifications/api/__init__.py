"""The HTTP API below `/api/v1/` (docs/api.md): its callers, rate limits, and the input and output of each address.

In: requests of engines, apps and programs.
Out: JSON; events for `intake`, answers for `answers`, devices and people for `people`.
"""
