"""The digital twin of an analog convolutional network chip."""
