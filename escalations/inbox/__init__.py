"""Pages of the inbox that need to know working time.

In: requests of people who are signed in.
Out: pages in the frame of the inbox, and files.
"""
