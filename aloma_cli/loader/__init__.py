"""Read all that a run needs: the workspace, its configuration, steps, libraries and secrets."""
