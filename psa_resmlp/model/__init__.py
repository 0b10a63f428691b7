"""The networks: stacks of ResMLPs and plain MLPs, forward, backward and update."""
