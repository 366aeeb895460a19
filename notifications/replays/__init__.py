"""Sends failed work again: what may be chosen (`kinds`), orders of operators (`orders`), and their work (`running`).

In: what an operator has chosen at the desk and seen beforehand.
Out: events, deliveries and callbacks that are due again, each once; and back as they were, if nobody has taken them.
"""
