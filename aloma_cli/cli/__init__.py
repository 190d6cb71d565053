"""The command line: one file a command, each of them parsing and printing only.

The result goes to stdout; everything said about the run goes to stderr.
"""

import gc

# A command makes its objects when it starts, and keeps them: the collector would look at them some eighty times.
gc.set_threshold(50_000, 20, 20)
