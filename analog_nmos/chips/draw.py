"""Draw a chip at random: mismatch from transistor to transistor, and gradients over the die."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.chips.chip import LEAST_FACTOR, Chip
from analog_nmos.chips.die import Die
from analog_nmos.circuit.options import LARGEST_V
from analog_nmos.topology import Topology
from common.cli import check, option
from common.errors import InputError
from common.seeding import stream

FloatArray = NDArray[np.float64]
VTO_SIGMA_V, KP_SIGMA = 0.01, 0.005  # "1x" of the published chips
LARGEST_PELGROM = 1e6
SQUARE_MICROMETRES = 1e12  # in a square metre


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """How the transistors differ."""

    vto_sigma: float | None = option(
        None,
        f"standard deviation of the threshold offsets (default: {VTO_SIGMA_V:g} V, or by --pelgrom-vto)",
        unit="V",
        low=0.0,
        high=LARGEST_V,
    )
    kp_sigma: float | None = option(
        None,
        f"standard deviation of the factors on kp (default: {KP_SIGMA:g}, or by --pelgrom-kp)",
        low=0.0,
        high=LARGEST_V,
    )
    pelgrom_vto: float | None = option(
        None,
        "in place of --vto-sigma: A_VT, so that sigma is A_VT / sqrt(W L) with the model card's W and L; sigma is that "
        "of one transistor: divide a coefficient for the difference of a pair by sqrt(2)",
        unit="mV um",
        low=0.0,
        high=LARGEST_PELGROM,
    )
    pelgrom_kp: float | None = option(
        None,
        "in place of --kp-sigma: A_beta, likewise for the factors on kp",
        unit="percent um",
        low=0.0,
        high=LARGEST_PELGROM,
    )
    vto_gradient: float = option(
        0.0, "linear change of the threshold over one width of the die", unit="V", low=-LARGEST_V, high=LARGEST_V
    )
    kp_gradient: float = option(
        0.0, "linear change of the factor on kp over one width of the die", low=-LARGEST_V, high=LARGEST_V
    )
    gradient_angle: float | None = option(
        None,
        "direction in which the gradients grow: 0 to the right, 90 up (default: drawn from the seed)",
        unit="degrees",
        low=-360.0,
        high=360.0,
    )
    one_circuit: bool = option(
        False, "free and clamped are phases of one circuit: both have the same transistors (default: two circuits)"
    )

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        for sigma, pelgrom in (("vto_sigma", "pelgrom_vto"), ("kp_sigma", "pelgrom_kp")):
            if getattr(self, sigma) is not None and getattr(self, pelgrom) is not None:
                names = (name.replace("_", "-") for name in (sigma, pelgrom))
                raise InputError("--{} and --{} are two ways to give one number; give one".format(*names))
        if self.gradient_angle is not None and not (self.vto_gradient or self.kp_gradient):
            raise InputError("--gradient-angle turns --vto-gradient and --kp-gradient, and both are 0")

    def sigmas(self, card: ModelCard) -> tuple[float, float]:
        """Standard deviations of the threshold offsets in V and of the factors on kp.

        Raises:
            InputError: Pelgrom's law is asked for, and the card does not give W and L.
        """
        vto_V = VTO_SIGMA_V if self.vto_sigma is None else self.vto_sigma
        kp = KP_SIGMA if self.kp_sigma is None else self.kp_sigma
        if self.pelgrom_vto is not None:
            vto_V = 1e-3 * self.pelgrom_vto / math.sqrt(_area_um2(card))
        if self.pelgrom_kp is not None:
            kp = 1e-2 * self.pelgrom_kp / math.sqrt(_area_um2(card))
        return vto_V, kp


def draw_chip(topology: Topology, card: ModelCard, mismatch: Mismatch, seed: int) -> Chip:
    """A chip for a network of E edges.

    Each of four arrays has a stream of random numbers of its own, from which edge 0, 1, 2 ... take one standard normal
    number each: `common.seeding.stream(seed, "chip", name)` with the name of the array in a file (vto_free, vto_clamp,
    beta_free, beta_clamp). The gradients' direction is uniform from the stream "gradient". So the numbers of a source
    depend neither on which others there are nor on its strength, and a chip of another sigma is the same one, scaled.

    Offsets are sigma z + gradient x, factors max(1 + sigma z + gradient x, 1e-6), with x by `Die.along`: both gradients
    grow in the same direction and pull at both circuits alike.

    Args:
        topology: the network.
        card: of its transistors, for their W and L.
        mismatch: how they differ.
        seed: 0 or more.

    Raises:
        InputError: options outside their range or in contradiction, or a card without W and L where they are needed.
    """
    check(mismatch)
    vto_sigma_V, kp_sigma = mismatch.sigmas(card)
    die = Die(topology.n_edges)
    drawn_deg = float(stream(seed, "chip", "gradient").uniform(0.0, 360.0))
    angle_deg = drawn_deg if mismatch.gradient_angle is None else mismatch.gradient_angle
    far = die.along(angle_deg)

    def offsets(name: str, sigma: float, gradient: float) -> FloatArray:
        normals = stream(seed, "chip", name).standard_normal(topology.n_edges)
        return sigma * normals + gradient * far

    vto_V = [offsets(name, vto_sigma_V, mismatch.vto_gradient) for name in ("vto_free", "vto_clamp")]
    kp = [1.0 + offsets(name, kp_sigma, mismatch.kp_gradient) for name in ("beta_free", "beta_clamp")]
    kp = [np.maximum(factors, LEAST_FACTOR) for factors in kp]
    second = 0 if mismatch.one_circuit else 1
    facts = _facts(topology, card, mismatch, seed) | {"vto_sigma_V": vto_sigma_V, "kp_sigma": kp_sigma}
    if mismatch.vto_gradient or mismatch.kp_gradient:
        facts["gradient_angle_deg"] = angle_deg
    return Chip(vto_V[0], vto_V[second], kp[0], kp[second], facts)


def edges_digest(topology: Topology) -> str:
    """What tells networks apart whose edges join other nodes: a hash of both ends of all edges in their order."""
    ends = np.stack([topology.edges_D, topology.edges_S]).astype("<i8")
    return hashlib.sha256(ends.tobytes()).hexdigest()[:16]


def _facts(topology: Topology, card: ModelCard, mismatch: Mismatch, seed: int) -> dict[str, Any]:
    die = Die(topology.n_edges)
    return {
        "seed": seed,
        "mismatch": {name: value for name, value in dataclasses.asdict(mismatch).items() if value is not None},
        "edges_digest": edges_digest(topology),
        "model_card": card.path.name,
        "die": {"columns": die.columns, "rows": die.rows},
    }


def _area_um2(card: ModelCard) -> float:
    """Drawn width times length, times the number of parallel devices if the card gives one."""
    sizes = {name: card.instance.get(name, 0.0) for name in ("w", "l")}
    for name, metres in sizes.items():
        if metres <= 0.0:
            raise InputError(
                f"model card {card.path}: gives no {name}=... of its transistor; Pelgrom's law needs W and L"
            )
    return sizes["w"] * sizes["l"] * card.instance.get("m", 1.0) * SQUARE_MICROMETRES
