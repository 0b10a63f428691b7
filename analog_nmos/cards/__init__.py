"""SPICE model cards: the card itself, and inside it its text, its lines and its numbers."""
