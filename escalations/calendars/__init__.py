"""Exact arithmetic of working time: calendars with time zones, holidays and days of their own. No Django.

In: a calendar's JSON (`definition`) and an instant.
Out: instants and durations in working time (`working_time`).
"""
