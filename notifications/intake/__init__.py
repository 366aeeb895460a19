"""How an event comes in: JSON read strictly, CloudEvents checked, an engine's own JSON mapped, then stored.

In: bodies of requests, and rows of an engine's task list.
Out: an InboundEvent (`notifications/types.py`), then an Event row that is due.
"""
