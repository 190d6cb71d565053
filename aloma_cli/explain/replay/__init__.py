"""Run today's steps on the answers on record, firing by firing, and show where they differ from the record."""
