"""Wording of the lines that agents log."""


def counted(number, noun):
    """A number with its noun: `1 insight`, `2 insights`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
