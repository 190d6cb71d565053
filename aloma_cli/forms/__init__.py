"""What a JSON Schema asks a person for: fields to fill in, and the value that comes of what was filled in."""
