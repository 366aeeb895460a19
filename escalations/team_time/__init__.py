"""Where the time of a team goes, without saying anything of single people.

In: the people of a team, their items, answers and messages.
Out: figures of groups that tell of people enough.
"""
