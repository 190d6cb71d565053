"""What decides: one file a rule, each of which yields events; `turn.py` puts them together."""
