"""Why a connection failed, in the words of the system."""

from __future__ import annotations

import os


def cause(error: BaseException) -> str:
    """The innermost reason: the libraries' own "Connection error." and "All connection attempts failed" hide it."""
    while below := _below(error):
        error = below
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _below(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    # A context that is not suppressed may be an error that the step handles, not the reason for this one.
    return error.__cause__ or (error.__context__ if error.__suppress_context__ else None)
