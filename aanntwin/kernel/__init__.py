"""The model's arithmetic as compiled single-core loops over images: training steps and tests, noise included."""
