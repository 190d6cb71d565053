"""Tools of a model: what may be one, and the loop that calls them."""
