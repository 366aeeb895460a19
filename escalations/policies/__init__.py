"""The policy that applies to a task (`matching`), and the rules that its clock keeps from it (`rules`).

In: a task and the policies of this moment.
Out: a row of Rules, and the instants at which its steps are due.
"""
