"""The third stream: time in, messages out. Calendars of working time, SLA policies, and the clock that follows them."""
