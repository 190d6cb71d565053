"""What people see of a run: live on a terminal, a line for each event elsewhere, tables and logs afterwards.

A view is told events and decides nothing. It knows the language of events, and neither engine nor store. `choose` has
`open_view`, `protocol` what a view is.
"""
