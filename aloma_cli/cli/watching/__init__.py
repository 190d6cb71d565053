"""`aloma task watch` on what is on record: a replay, and the full-screen view."""
