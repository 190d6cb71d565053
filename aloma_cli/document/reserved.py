"""The reserved fields at the top of every document."""

from __future__ import annotations

VIA = "$via"
ERRORS = "$errors"
CHILDREN = "$children"
STASH = "$stash"

RESERVED = (VIA, ERRORS, CHILDREN, STASH)

READ_ONLY = (ERRORS, CHILDREN)
"""Only the engine writes these."""
