"""From the event to the inbox, written the usual way: a DRF view, a django-q2 task an event, plain ORM code."""
