"""The smallest change of a document that makes a condition hold."""
