"""iCalendar feeds that rotas and absences read: how they are fetched, read in a process apart, and tried again.

In: addresses of calendars that people and administrators enter, and what strangers' servers send.
Out: plain instants with a few texts, or the reason for which a calendar cannot be read.
"""
