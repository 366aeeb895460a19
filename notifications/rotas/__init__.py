"""Who is on duty: turns and what changes them, swaps between colleagues, calendars that are read and offered.

In: rotas as the desk keeps them, what people ask of each other, iCalendar feeds.
Out: whom a target means at an instant, shifts and gaps of some weeks.
"""
