"""Rotas of duty: turns and their changes, swaps between colleagues, calendars that are read and offered.

In: rotas as the desk stores them, people's requests to each other, iCalendar feeds.
Out: the people of a target at an instant, shifts and gaps of some weeks.
"""
