"""What tests of the engine are written with."""
