"""Files that people and engines send along: what may be sent, how files are stored, and what uses them.

In: the bytes of an upload with its name, from API and pages; the message or answer that a stored file is for.
Out: rows with the bytes, their description for API, pages and engines, and the bytes again, piece by piece.
"""
