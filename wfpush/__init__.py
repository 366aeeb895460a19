"""wfpush connects workflow engines with the people they wait for."""

VERSION = "0.4.0"
"""The release of this code, or the next one during development."""
