"""Run today's steps on the answers on record, firing by firing, and tell where they differ from the record."""
