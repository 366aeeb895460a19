"""A channel as somebody would add it: pigeons, which carry what they are given to a person's phone number."""
