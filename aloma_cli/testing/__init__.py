"""Test one's own agents: in memory, with scripted answers, and without a single real call.

`plugin` has the fixtures for pytest; `docs/testing.md` describes them.
"""
