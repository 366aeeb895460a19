"""What the API says of escalations: simulations.

In: a policy or task, and an instant.
Out: who would be told when, by which channel, and why.
"""
