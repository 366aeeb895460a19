"""What all operations share: callers, limits, parsing, fields, shapes, and the description."""
