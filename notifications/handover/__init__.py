"""What people hear of their duty: swaps that are asked and answered, and a note at each hand-over.

In: who is on duty now and who was before; what colleagues ask of each other.
Out: messages in inboxes and on channels, by the ledger of every message.
"""
