"""A person's answer: who may give it, which variables go with it, and the one transaction that records it.

In: an action, a comment and variables, from inbox, API, a device or an e-mail's page.
Out: one Response, its Callback for the engine, and all copies changed; or an error that says why not.
"""
