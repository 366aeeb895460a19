"""Redis pub/sub: subscriptions that survive a lost Redis, the layer of Channels, a cooldown after timeouts.

In: channel names and messages.
Out: the same messages in other processes. They are hints: any of them may be lost.
"""
