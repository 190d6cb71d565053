"""`aloma step check`: mistakes that can be seen without running a step. It knows no loader and no engine."""
