"""Figures of the time that a team's tasks take, without any figure of a single person.

In: the people of a team, their items, answers and messages.
Out: figures of groups with enough people.
"""
