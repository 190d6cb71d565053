"""Pictures of what happened: pages of HTML, one file each, that need nothing else."""
