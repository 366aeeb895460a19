"""People, teams, devices, preferences, accounts and groups."""
