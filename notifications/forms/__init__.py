"""Forms of tasks: the fields that an engine asks for besides the decision, and the values that a person gives.

In: `task.form` of an event; values, typed on a page or as JSON.
Out: fields in the reader's language, faults in sentences, and values in the forms for records, people and engines.
"""
