"""The commands of `aloma trigger`."""
