"""How much pixel corruption in the training images a classifier tolerates."""
