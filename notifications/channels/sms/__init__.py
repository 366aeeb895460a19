"""Text messages, through an SMSC that speaks SMPP 3.4 or a provider's HTTP gateway (docs/sms.md).

In: a phone number and a message.
Out: a text of few parts with a link; the gateway's names for the parts; receipts of the network.
"""
