"""Questions about the record: why a step fired or not, and where a value comes from. Pure functions over events."""
