"""The rules of `aloma step check`: one file each, with a function `find(subject)`."""
