"""Objectives: one small file each."""
