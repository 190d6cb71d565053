"""Scripts that make parts of the documentation. Each is run by hand, and says in its first lines how."""
