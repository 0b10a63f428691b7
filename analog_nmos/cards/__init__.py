"""SPICE model cards: the card, its text, the lines of its transistor, and its numbers."""
