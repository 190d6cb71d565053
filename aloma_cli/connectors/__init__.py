"""Connectors: how steps reach models and other systems."""
