"""The reader of the environment and `.env`, and the settings that have a syntax of their own.

In: environment variables (docs/settings.md lists them).
Out: typed values for `wfpush/settings.py`, or one sentence that says which variable is wrong, and why.
"""
