"""The command line: one file a command, each of them parsing and printing only.

The result goes to stdout; everything said about the run goes to stderr.
"""
