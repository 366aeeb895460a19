"""People, teams, absences, devices, preferences, accounts and groups."""
