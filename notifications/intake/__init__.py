"""How an event comes in: strict JSON, checked CloudEvents or an engine's own JSON that is mapped; then it is stored.

In: bodies of requests, and rows of an engine's task list. Out: an InboundEvent (`notifications/types.py`), then an
Event row that is due.
"""
