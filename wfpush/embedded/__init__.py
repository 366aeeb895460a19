"""The data folder `WFPUSH_DATA`, and the PostgreSQL and Valkey that development and tests run in it.

In: the name of the folder.
Out: addresses of running servers, shared by all processes that name the same folder; the last one stops them.
"""
