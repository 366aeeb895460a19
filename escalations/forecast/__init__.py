"""Forecasts: simulations, steps that reach nobody (`dead_ends`), and the effect of an edited policy.

In: a policy, task or event, and an instant. Nothing is stored or sent.
Out: the steps that the clock's own code would take, and their recipients.
"""
