"""When the error that a Newton step predicts may be trusted, and when another pass has to confirm it.

The kernels stop when `bend` (edge.Step), the slope and the last step promise an error below the tolerance. `bend` is
the curvature of ordinary operating points. High voltages, cold junctions and long steps can have more: `Limits` says
how much more at most. Where the tolerance is still not certain, one more pass follows, whose Newton step is the error
itself: what was found is then kept as it is, or improved. Where rounding errors alone exceed ROUNDING_V, the network
counts as singular.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

from analog_nmos.backends.native.transistor.device import CUTOFF_MARGIN_V, Device
from analog_nmos.backends.native.transistor.edge import FLOATING_BEND
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.circuit.deviations import Deviations
from common.kernels.jit import leaf

LARGEST_SPAN_V = 1e3  # the bounds below hold up to here
EPSILON = sys.float_info.epsilon
ROUNDING_V = 5e-8  # double precision allows no tolerance much below this everywhere
KNEE_A = 1e-2  # current at which a forward junction is past its knee
LARGEST_JUMP_V = 3e-8  # that an edge may see when its floating body is where a junction's exponential sets in
LOOSE = 100.0  # a body tie below this times beta * 1 V lets the body move like a floating one
WIDER_V = 0.1  # by which the span of a network grows beyond a node that a driven current has taken out of it
SPANS = 4  # how often at most
DIODE_BEND = 2.0 * math.e  # of a junction, relative to `bend`, when both its ends move by Vt / 2


class Limits(NamedTuple):
    """Of a network's devices. The true curvature is at most `bend` times base + by_span * span + ..."""

    base: float
    by_span: float  # 1/V, span: of all voltages but the gates'
    by_gate: float  # 1/V, of the highest gate above the lowest threshold
    step_V: float  # last steps up to this obey these bounds; 0 if none does
    jump_A: float  # by which an edge's current jumps where its junctions' exponentials set in
    tie_S: float  # from the body to the source node: its current has a rounding error, even if it is 0
    knee_V: float  # of a forward junction
    offset_V: float  # of the lowest threshold, from the device's


class Accuracy(NamedTuple):
    """What is known of one solve's accuracy before it starts."""

    curvature: Any  # the true one is at most this times `bend`
    step_V: Any  # if the last step is no larger than this
    jump_A: Any  # as in Limits
    tie_S: Any


def limits(device: Device | Linked, deviations: Deviations | None = None) -> Limits:
    """The Limits of a device, or of the worst of many that deviate from it."""
    if deviations is None:
        return _limits(device, 0.0)
    most = device._replace(beta=device.beta * float(deviations.kp_factor.max()))
    offset_V = deviations.vto_offset_V * (device.sign if isinstance(device, Linked) else 1.0)
    return _limits(most, float(offset_V.min()))


class _Body(NamedTuple):
    """What the limits of either kind of device need to know of its body and of a gate that moves."""

    body_S: float  # from the body node to ground and its tie, and of its junctions
    driven_S: float  # that limits the current of a forward junction
    tie_S: float  # see `Limits`
    scale: float  # how often `bend` counts the drain current's own curvature
    gate: float  # 1 if the gate moves with a node
    gate_b: float  # 1 if it moves with a body node


def _body(device: Device | Linked) -> _Body:
    if not isinstance(device, Linked):
        body_S = device.body_S + device.shunt_S + 2.0 * device.gmin_S
        return _Body(body_S, body_S, device.tie_S, 2.0 + FLOATING_BEND * device.floating, 0.0, 0.0)
    tie_S = device.held / device.body_ohm if device.body_ohm > 0.0 else math.inf
    body_S = tie_S + device.shunt_b_S + device.gate_b * device.shunt_S + 2.0 * device.gmin_S
    # The current of a body tied directly is limited by the series resistances behind its junctions, if there are any.
    series = (device.rd_ohm, device.rs_ohm)
    behind_S = sum(1.0 / ohm if ohm > 0.0 else math.inf for ohm in series)
    gate = device.gate_D + device.gate_S + device.gate_b
    # `linked_step` takes the tie's current from the junctions' and not from the tie's resistance: tie_S is 0.
    return _Body(body_S, min(body_S, behind_S), 0.0, device.bend, gate, device.gate_b)


def _limits(device: Device | Linked, offset_V: float) -> Limits:
    """The Limits of one device.

    A gate that moves with a node moves no further than this node. So an overdrive moves by one step more: by up to
    2 + 2 slope where a gate at rest allows 1 + 2 slope. On a body it turns all of the body's curvature into current,
    where the threshold alone turns a share `slope` of it.
    """
    slope, vt_V, own = device.gamma * device.slope, device.vt_V, _body(device)
    jump_A = device.isat_A * math.exp(-3.0)
    loose = own.body_S < LOOSE * device.beta
    overdrive = 1.0 + 2.0 * slope + own.gate
    by_span = 0.5 * device.gamma / device.phi_V**1.5 + 2.0 * device.lam * overdrive
    if loose:
        by_span += DIODE_BEND * (slope + own.gate_b) / vt_V
    driven_A = LARGEST_SPAN_V * own.driven_S
    forward_V = vt_V * math.log(driven_A / device.isat_A)  # no junction is driven further
    kink_V = 2.0 * device.phi_V - 2.0 * CUTOFF_MARGIN_V  # here the threshold's tangent ends
    smooth = forward_V < kink_V and not (loose and (slope + own.gate_b) * jump_A / own.body_S > LARGEST_JUMP_V)
    return Limits(
        base=max(DIODE_BEND, (4.0 + 4.0 * slope + 2.0 * own.gate) / own.scale),
        by_span=by_span / own.scale,
        by_gate=4.0 * device.lam / own.scale,
        step_V=min(0.5 * vt_V, CUTOFF_MARGIN_V / overdrive) if smooth else 0.0,
        jump_A=2.0 * jump_A,
        tie_S=own.tie_S,
        knee_V=vt_V * math.log(KNEE_A / device.isat_A),
        offset_V=offset_V,
    )


@leaf
def expect(limits: Any, low_V: Any, high_V: Any, gate_V: Any, m: Any) -> Any:
    """The Accuracy of a network between the voltages low_V and high_V, whose highest gate is at gate_V."""
    span_V = high_V - low_V
    reach_V = max(gate_V - low_V - (m.vbi_V + limits.offset_V), 0.0)
    return Accuracy(
        limits.base + limits.by_span * span_V + limits.by_gate * reach_V,
        limits.step_V if span_V < LARGEST_SPAN_V else 0.0,
        limits.jump_A,
        limits.tie_S,
    )


@leaf
def rounding_A(accuracy: Any, n_edges: Any, node_V: Any) -> Any:
    """Current at a node with n_edges edges that rounding leaves where it should be 0.

    Each body voltage is rounded to half a unit in the last place, and its tie turns this error into a current.
    """
    return EPSILON * math.sqrt(n_edges) * accuracy.tie_S * abs(node_V)


@leaf
def is_certain(accuracy: Any, size_V: Any, error: Any, jump: Any, allowed: Any) -> Any:
    """Whether an error is below `allowed` at the worst; all three in A, or all in V.

    `error` is what `bend` and the last step size_V promise, `jump` what jumps may add.
    """
    return size_V < accuracy.step_V and accuracy.curvature * error + jump <= allowed
