"""People: names that engines use, absences, devices, ways to sign in, and how all of these end.

In: engines' data of people, devices that register, an account that is closed.
Out: Recipients to notify, addresses of their devices, and whether somebody may act.
"""
