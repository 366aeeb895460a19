"""Preferences of people: channels that they turn off, quiet hours, and messages that come together.

In: people, a category, an instant.
Out: whether and when a message is to be sent on a channel, and why.
"""
