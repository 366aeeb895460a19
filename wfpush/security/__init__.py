"""Keys on the curve P-256, redaction of log lines, and the check for secrets that no key opens.

In: texts and keys.
Out: the same, checked or cleaned. Encryption at rest is in `wfpush/crypto.py`, which migrations import.
"""
