"""What people and engines write to each other about a task: who may, to whom, and what each gets in their inbox.

In: a question, a reply or a comment, from inbox, e-mail page, lock screen, API or an engine's event; the task locked.
Out: one message, an item for whoever is asked, the asker told of the reply, and the callback that tells the engine.
"""
