"""What runs a step's content; it knows no engine."""
