"""The sending of planned deliveries, one engine for all channels: claims, messages, places and pauses, results.

In: due rows of Delivery, Device and Farewell.
Out: messages, by way of `channels`; attempts and outcomes in the ledger (`items/ledger.py`).
"""
