"""Ask a model: the function `chat`, the shape of its answers, and the connection to a server."""
