"""The sending of planned deliveries: claims, messages for claimed rows, places at push services, results.

In: due rows of Delivery, Device and Farewell.
Out: messages, by way of `channels`; attempts and outcomes in the ledger (`items/ledger.py`).
"""
