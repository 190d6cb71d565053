"""Answers without a model server."""
