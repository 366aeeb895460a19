"""Looking ahead: simulations, steps that reach nobody (`dead_ends`), what an edited policy would change.

In: a policy, task or event, and an instant. Nothing is kept and nothing sent.
Out: what the clock's own code would do, and whom it would tell.
"""
