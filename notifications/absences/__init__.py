"""Work of absent people: open items are handed over and taken back, people are notified, calendars are read.

In: absences, and open items of people who are away.
Out: copies that are offered to delegates and withdrawn again, calls that ask engines to give tasks away, messages.
"""
