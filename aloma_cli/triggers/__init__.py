"""What starts tasks by itself: a clock, a folder, a webhook, the end of another task. A worker runs it."""
