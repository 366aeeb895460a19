"""Replays of failed work: which rows may be chosen (`kinds`), orders of operators (`orders`), and running them.

In: the operator's selection at the desk, after a preview.
Out: events, deliveries and callbacks that are due again, each once; after an undo, untaken rows as before.
"""
