"""Intake of events: JSON is read strictly, CloudEvents are checked, an engine's own JSON is mapped, then stored.

In: bodies of requests, and rows of an engine's task list.
Out: an InboundEvent (`notifications/types.py`), then an Event row that is due.
"""
