"""What decides: one file a rule, each of which adds events; `turn.py` puts them together."""
