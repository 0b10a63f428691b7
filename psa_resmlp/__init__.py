"""Persistent stochastic ablation: train, damage a neuron, keep what is better.

The files here are what users run and import. study/ defines what is trained (architectures, modes, images), model/ has
the networks, training/ the meta-loop and its checkpoints, tables/ and figures/ the results, scripts/ other commands,
and sagemaker/ runs the study on AWS SageMaker.
"""
