"""Forms of tasks: what an engine asks for besides the decision, and the values that a person gives.

In: `task.form` of an event; values, typed on a page or as JSON.
Out: fields in the reader's language, faults in sentences, and values as they are recorded, shown, and told the engine.
"""
