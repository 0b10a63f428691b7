"""What lies around the transistors of a chip: the converter that writes their gates, the read-out, the update circuits.

For a sample in training, in this order:

1. A register holds each gate voltage. It is written to both circuits: rounded to the converter's steps, plus noise
   that is fresh for every sample and the same in its free and its clamped phase.
2. The first circuit is solved free, and its nodes are read, driven ones included, each with fresh noise. Outputs,
   scores and nudges follow from these readings.
3. The second circuit (or the first once more) is solved clamped, and read with fresh noise; so
   for each clamped phase that the learning rule has.
4. Each register moves by the learning rule's step (`training.rule`), plus its transistor's own bias, plus fresh noise,
   and stops at the ends of its range. Transistors that are stuck, or not at a clamped output where only these are
   updated, do not move.

At the end of an epoch registers leak. A validation or a test writes the gates once, with fresh noise, and reads
outputs with fresh noise. Numbers are drawn by ascending node or by edge, from the streams of `Reads` or from one of
their own. What is switched off draws nothing and changes no bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips.normals import Normals
from analog_nmos.chips.options import ChipOptions
from analog_nmos.topology import Topology
from common.seeding import stream

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NO_OUTPUT = -1


@dataclass(frozen=True)
class Reads:
    """Where the noise of readings comes from, and which nodes a reading takes.

    Attributes:
        free, clamped, tested: generators of readings of the first circuit in training, of the second one, and in
            validation; may be one object.
        outputs_first: whether a free phase reads the outputs, from which nudges follow, and then all nodes anew.
        tests_all: whether a validation reads all nodes, not outputs alone.
    """

    free: np.random.Generator
    clamped: np.random.Generator
    tested: np.random.Generator
    outputs_first: bool = False
    tests_all: bool = False


def own_reads(seed: int) -> Reads:
    """Three streams that no other noise shares."""
    free, clamped, tested = (stream(seed, "periphery", f"read_{name}") for name in ("free", "clamped", "tested"))
    return Reads(free, clamped, tested)


def recorded(seed: int, noise_seed: int) -> np.random.Generator:
    """The generator that a recorded program used, where --noise-seed is 0; others have streams of their own."""
    return np.random.default_rng([seed, noise_seed] if noise_seed else seed)


class Periphery:
    """That of one replica; see the module for what it does.

    Attributes:
        read_noise_V, gate_step_V, gate_noise_V, update_noise_V: 0 where there is none.
        gate_low_V, gate_high_V: ends of a gate voltage's range.
        update_bias_V: (edges,), zeros where there is none.
        clamped_only: whether a sample updates only transistors at a clamped output.
        output_of: (2, edges) number of the output at each edge's drain and source, NO_OUTPUT where it is none.
        outputs_first: see `Reads`.
        n_nodes: node numbers are below it.
        nodes: (nodes,) that are read, ascending: all that an edge touched at the start.
        outputs, rising: (outputs,) their nodes, and outputs by ascending node.
        streams: by name: free, clamped, tested, gates, tested_gates, updates.

    Args:
        options: of the run.
        topology: at its start.
        gate_range_V: lowest and highest gate voltage.
        reads: where the noise of readings comes from.
        clamped_phases: of a sample that trains.
    """

    def __init__(
        self,
        options: ChipOptions,
        topology: Topology,
        gate_range_V: tuple[float, float],
        reads: Reads,
        clamped_phases: int = 1,
    ) -> None:
        self._clamped_phases = clamped_phases
        seed, self.outputs_first, self._tests_all = options.noise_seed, reads.outputs_first, reads.tests_all
        self.read_noise_V, self.gate_noise_V = options.read_noise_V, options.gate_noise
        self.update_noise_V, self.clamped_only = options.update_noise, options.update_edges == "clamped"
        self.gate_low_V, self.gate_high_V = gate_range_V
        steps = (1 << options.gate_bits) - 1
        self.gate_step_V = (self.gate_high_V - self.gate_low_V) / steps if steps else 0.0
        self._leak, self._leak_to_V = options.gate_leak, options.gate_leak_to
        self._start_bias_V, self._start_output_of = np.zeros(topology.n_edges), _outputs_of(topology)
        if options.update_bias:
            drawn = stream(seed, "periphery", "update_bias").standard_normal(topology.n_edges)
            self._start_bias_V = options.update_bias * drawn
        self.select(np.arange(topology.n_edges))
        self.nodes = np.unique([topology.edges_D, topology.edges_S]).astype(np.int64)
        self.n_nodes, self.outputs = topology.max_node + 1, topology.out_nodes.astype(np.int64)
        self.rising = np.argsort(self.outputs)
        generators = {"free": reads.free, "clamped": reads.clamped, "tested": reads.tested}
        generators |= {name: stream(seed, "periphery", name) for name in ("gates", "tested_gates", "updates")}
        shared = {id(generator): Normals(generator) for generator in generators.values()}
        self.streams = {name: shared[id(generator)] for name, generator in generators.items()}

    @property
    def most_normals(self) -> int:
        """How many numbers a sample of training draws from a stream at most; at least 1."""
        return max(1, *self._draws().values())

    def written_V(self, gate_V: FloatArray, stream_name: str) -> FloatArray:
        """What registers gate_V (edges,) become on the chip."""
        if self.gate_step_V:
            gate_V = self.gate_low_V + np.rint((gate_V - self.gate_low_V) / self.gate_step_V) * self.gate_step_V
        if self.gate_noise_V:
            gate_V = gate_V + self.gate_noise_V * self.streams[stream_name].take(gate_V.size)
        return gate_V

    def read_V(self, node_V: FloatArray, stream_name: str) -> FloatArray:
        """Node voltages (nodes,) as they are read."""
        if not self.read_noise_V:
            return node_V
        read_V = node_V.copy()
        read_V[self.nodes] += self.read_noise_V * self.streams[stream_name].take(self.nodes.size)
        return read_V

    def read_free_V(self, node_V: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Outputs (outputs,) and node voltages (nodes,) of a free phase as they are read, from (nodes,)."""
        if not (self.read_noise_V and self.outputs_first):
            read_V = self.read_V(node_V, "free")
            return np.take(read_V, self.outputs), read_V
        out_V = self._noisy_outputs(node_V[None, self.outputs], "free")[0]
        return out_V, self.read_V(node_V, "free")

    def tested_V(self, out_V: FloatArray, stream_name: str = "tested") -> FloatArray:
        """Outputs (samples, outputs) as a validation reads them."""
        if not self.read_noise_V:
            return out_V
        if not self._tests_all:
            return self._noisy_outputs(out_V, stream_name)
        normals = self.streams[stream_name].take(len(out_V) * self.nodes.size).reshape(len(out_V), -1)
        noisy_V: FloatArray = out_V + self.read_noise_V * normals[:, np.searchsorted(self.nodes, self.outputs)]
        return noisy_V

    def at_clamped(self, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which edges (edges,) end at one of the outputs (outputs,) that were clamped."""
        drain, source = held[self.output_of] & (self.output_of != NO_OUTPUT)
        found: NDArray[np.bool_] = drain | source
        return found

    @property
    def leaks(self) -> bool:
        """Whether registers change between epochs."""
        return self._leak > 0.0

    def leaked_V(self, gate_V: FloatArray) -> FloatArray:
        """Registers (edges,) after an epoch."""
        leaked_V: FloatArray = gate_V + self._leak * (self._leak_to_V - gate_V)
        return leaked_V.clip(self.gate_low_V, self.gate_high_V)

    def select(self, edge_uid: IntArray) -> None:
        """Go on with some edges alone, by their numbers at the start (edges,)."""
        self.update_bias_V, self.output_of = self._start_bias_V[edge_uid], self._start_output_of[:, edge_uid]

    def reserve(self, samples: int) -> bool:
        """Draw ahead what so many samples of training take at most; returns whether they take any."""
        draws = {name: count for name, count in self._draws().items() if count}
        for name, count in draws.items():
            self.streams[name].reserve(samples * count)
        return bool(draws)

    def _draws(self) -> dict[str, int]:
        """How many numbers a sample takes at most, by the stream; those of readings may be one."""
        nodes, edges = self.nodes.size, self.update_bias_V.size
        free, clamped = nodes + self.outputs.size * self.outputs_first, nodes * self._clamped_phases
        if self.streams["free"] is self.streams["clamped"]:
            free = clamped = free + clamped
        return {
            "free": free * (self.read_noise_V > 0),
            "clamped": clamped * (self.read_noise_V > 0),
            "gates": edges * (self.gate_noise_V > 0),
            "updates": edges * (self.update_noise_V > 0),
        }

    def state(self) -> dict[str, NDArray[np.uint64]]:
        """Of the streams that have been drawn from, for checkpoints."""
        return {name: normals.state() for name, normals in self.streams.items() if normals.has_begun}

    def restore(self, state: dict[str, NDArray[np.uint64]]) -> None:
        """Take over what `state` returned."""
        for name, words in state.items():
            self.streams[name].restore(words)

    def _noisy_outputs(self, out_V: FloatArray, stream_name: str) -> FloatArray:
        noisy_V = out_V.copy()
        normals = self.streams[stream_name].take(out_V.size).reshape(out_V.shape)
        noisy_V[:, self.rising] += self.read_noise_V * normals
        return noisy_V


def _outputs_of(topology: Topology) -> IntArray:
    number = np.full(topology.max_node + 1, NO_OUTPUT, np.int64)
    number[topology.out_nodes] = np.arange(topology.n_outputs)
    return np.stack([number[topology.edges_D], number[topology.edges_S]])
