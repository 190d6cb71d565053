"""A task's data: a private draft for each firing, the changes a draft made, and how changes of several merge.

A committed document is never altered in place: `apply` copies only the containers on the way to a change and shares
the rest, so that an older version stays valid for the firings that started from it, at no cost.
"""

from aloma_cli.document.changes import Change, apply, replay, to_wire
from aloma_cli.document.diff import clean_copy, diff, same
from aloma_cli.document.digest import Digest, plain_leaf
from aloma_cli.document.draft import Draft
from aloma_cli.document.merge import Conflict, alters, merge
from aloma_cli.document.paths import MISSING, get, make_room, parse_path, resolve
from aloma_cli.document.volatile import Volatile

__all__ = [
    "MISSING",
    "Change",
    "Conflict",
    "Digest",
    "Draft",
    "Volatile",
    "alters",
    "apply",
    "clean_copy",
    "diff",
    "get",
    "make_room",
    "merge",
    "parse_path",
    "plain_leaf",
    "replay",
    "resolve",
    "same",
    "to_wire",
]
