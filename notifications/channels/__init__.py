"""The channels by which messages leave, a folder for each. A new one is its folder and its line in `settings.CHANNELS`.

In: an address and a message.
Out: the message, sent; or a TransportError that says whether another try helps.
"""
