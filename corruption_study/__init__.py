"""How much pixel corruption in training a classifier stands."""
