"""How people want to be reached: channels they do without, quiet hours, and what comes together.

In: people, a category, an instant.
Out: whether and when a message is to be sent on a channel, and why.
"""
