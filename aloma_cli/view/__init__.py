"""What people see of a run: live on a terminal, a line for each event elsewhere, tables and logs afterwards.

A view takes in events and decides nothing. It knows neither engine nor store. `choose` has `open_view`,
and `base` says what a view is.
"""
