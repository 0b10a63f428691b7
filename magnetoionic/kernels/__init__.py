"""The compiled inner loops of training: one thread each, so that models run side by side and numbers never change."""
