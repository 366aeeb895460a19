"""What happens when somebody goes away and comes back: open items are handed over, people are told, calendars are read.

In: absences, and what waits for those who are away.
Out: copies that are offered to delegates and withdrawn again, calls that ask engines to give tasks away, messages.
"""
