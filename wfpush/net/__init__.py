"""Outbound HTTP (`http` is the only way out), the addresses that it may reach, and the circuit breaker.

In: a URL, headers and a body.
Out: a reply of bounded size within its deadline, or a failure with a reason.
"""
