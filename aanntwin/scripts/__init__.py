"""Tools around the twin: each module is a command, and can be run as a file."""
