"""Talks with engines: answers told to them (`callback`), tasks read (`task_sync`) or polled, accounts connected.

In: due callbacks and polls; what an administrator asks to try or to send again.
Out: calls by way of `connectors`; what they changed here, as events of our own.
"""
