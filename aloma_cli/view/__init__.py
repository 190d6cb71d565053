"""What people see of a run: live on a terminal, a line for each event elsewhere, tables and logs afterwards.

A view is told events and decides nothing. It knows the language of events, and neither engine nor store.
"""

from aloma_cli.view.choose import Mode, open_view
from aloma_cli.view.protocol import Quiet, View

__all__ = ["Mode", "Quiet", "View", "open_view"]
