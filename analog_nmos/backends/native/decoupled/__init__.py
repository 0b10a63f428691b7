"""Networks whose edges all run from an input to an output: every output is a problem of its own."""
