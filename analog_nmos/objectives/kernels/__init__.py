"""Objectives as compiled functions of one sample, for compiled epochs; each is held to its `evaluate` bit for bit."""
