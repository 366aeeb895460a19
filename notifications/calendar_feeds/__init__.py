"""iCalendar feeds that other rooms read: fetched, read in a separate process, and tried again.

In: addresses of calendars that people and administrators enter, and strangers' servers' answers.
Out: plain instants with a few texts, or the reason for which a calendar cannot be read.
"""
