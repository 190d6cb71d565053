"""Ask a person at the terminal the open questions of tasks."""
