"""What happened to a task, and what it adds up to."""
