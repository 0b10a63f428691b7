"""Nonidealities of a circuit: each is a class, ours in this folder, a user's own in any module."""
