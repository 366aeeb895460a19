"""What each person has: the copies in their inbox, the ledger of deliveries, how an item is shown.

In: whom to tell what, decided elsewhere; outcomes of sending.
Out: rows of Notification and Delivery, JSON for API and pages, and live frames after the commit.
"""
