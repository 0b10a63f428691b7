"""Inside a model card: its text without other files, its lines without comments, its numbers."""
