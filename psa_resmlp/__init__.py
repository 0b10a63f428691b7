"""Persistent stochastic ablation: train, damage a neuron, keep what is better."""
