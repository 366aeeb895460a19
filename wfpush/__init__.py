"""wfpush connects workflow engines with the people they wait for."""

VERSION = "0.3.0"
"""The release that this code is, or becomes."""
