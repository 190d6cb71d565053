"""Values that make a condition hold: the one search, for a step that waits and for a condition that is checked."""
