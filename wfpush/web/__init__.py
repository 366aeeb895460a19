"""The web process: its server, thread pool, body limit, the middleware, and errors as problem+json or pages.

In: connections from browsers, apps and engines.
Out: requests that Django's views can trust: bounded, without NUL, with the caller's own address.
"""
