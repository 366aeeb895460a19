"""Notices about duty: swaps that are requested and answered, and a note at each hand-over.

In: the people on duty now and before; colleagues' requests to each other.
Out: messages in inboxes and on channels, by the ledger of every message.
"""
