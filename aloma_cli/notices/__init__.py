"""Tell people that a task asks, has failed or is done: by a command, a URL or mail."""
