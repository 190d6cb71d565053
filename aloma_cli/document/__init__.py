"""A task's data: a private draft for each firing, the changes a draft made, and how the changes of several merge.

A committed document is never modified: `apply` copies only the containers on the way to a change and shares the rest.
So older versions stay valid for the firings that started from them, at no cost.
"""
