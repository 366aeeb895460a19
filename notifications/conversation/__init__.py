"""Messages between people and engines about a task: who may write, to whom, and what each gets in their inbox.

In: a question, a reply or a comment, from inbox, e-mail page, lock screen, API or an engine's event; the task locked.
Out: one message, an item for the person asked, news of a reply for the asker, and the callback to the engine.
"""
