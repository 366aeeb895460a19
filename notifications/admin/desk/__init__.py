"""The frame of the desk: base classes, navigation, overview, search, fields, filters, history."""
