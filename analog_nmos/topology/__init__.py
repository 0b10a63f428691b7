"""Topologies: the nodes and edges of a transistor network, how to build, read and prune them."""

from analog_nmos.topology.build import built, dense, find_topology, prune_copies, prune_flat, prune_pairs, shipped
from analog_nmos.topology.network import Topology, load_topology

__all__ = [
    "Topology",
    "built",
    "dense",
    "find_topology",
    "load_topology",
    "prune_copies",
    "prune_flat",
    "prune_pairs",
    "shipped",
]
