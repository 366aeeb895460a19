"""The product's way from an engine's event to a person's screen, and from the person's answer back to the engine."""
