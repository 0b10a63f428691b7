"""Tools for the twin. Most modules are commands, and can be run as files; the others are shared by these."""
