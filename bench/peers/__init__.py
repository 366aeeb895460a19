"""The same, written the usual way."""
