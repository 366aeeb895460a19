"""The items of each person: copies in the inbox, the ledger of deliveries, and the representation of an item.

In: notifications for people, decided elsewhere; outcomes of sending.
Out: rows of Notification and Delivery, JSON for API and pages, and live frames after the commit.
"""
