"""The channels that send messages, a folder for each. A new channel is its folder and its line in `settings.CHANNELS`.

In: an address and a message.
Out: the message, sent; or a TransportError that says whether another try helps.
"""
