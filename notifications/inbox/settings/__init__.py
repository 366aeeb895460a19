"""The pages on which people choose how they are reached, and say when they are away."""
