"""The Python interface: what the command line itself uses."""
