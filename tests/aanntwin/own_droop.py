"""Nonidealities of a user's own."""

from aanntwin.nonidealities.base import Nonideality


class Droop(Nonideality):
    """Every signal between the layers loses this share of its charge."""

    sites = ("linear_input",)
    low, high = 0.0, 1.0
    rising = True

    def apply(self, x, normals):
        return (1 - self.level) * x


class Jitter(Nonideality):
    """Noise that grows with the signal, at the input and behind every ReLU."""

    sites = ("input", "relu_out")
    low = 0.0
    random = True

    def apply(self, x, normals):
        return x * (1 + self.level * normals(x))


class Nowhere(Droop):
    sites = ("output",)


class Unfinished(Nonideality):
    sites = ("input",)
