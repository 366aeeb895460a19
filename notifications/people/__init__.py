"""Who people are: names that engines use, absences, devices, ways to sign in, and how all of these end.

In: what engines write of people, devices that register, an account that is closed.
Out: Recipients to tell, addresses of their devices, and whether somebody may act.
"""
