"""Networks whose free nodes are joined by edges: one sparse system for each operating point."""
