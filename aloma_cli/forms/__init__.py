"""A JSON Schema as a form: fields to fill in, and the value that the filled-in texts give."""
