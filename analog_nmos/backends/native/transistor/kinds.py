"""One set of functions for both kinds of device; which kind it is decides when a kernel is compiled.

A `device.Device` is what most circuits have, with equations of its own (`edge`); a `linked.Linked` has all others. A
`sign` is -1 where voltages are mirrored: kernels work with mirrored voltages then, and mirror what comes in and goes
out. Gate voltages alone stay as they are, since trainers change them in place.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any

from numba.core import types

from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.device import deviating as device_deviating
from analog_nmos.backends.native.transistor.edge import first_guess, floating_body, newton_step
from analog_nmos.backends.native.transistor.linked import (
    Linked,
    linked_body,
    linked_deviating,
    linked_eased,
    linked_guess,
    linked_reach,
    linked_step,
)
from common.kernels.jit import intrinsic, leaf


@intrinsic(plain=lambda is_linked: Device if is_linked is None else Linked)
def device_class(typingctx: Any, is_linked: Any) -> Any:
    """Linked, or Device for None."""
    kind = Device if isinstance(is_linked, types.NoneType) else Linked
    return types.NamedTupleClass(kind)(is_linked), _nothing


@intrinsic(plain=lambda ours, theirs, m: theirs if isinstance(m, Linked) else ours)
def _either(typingctx: Any, ours: Any, theirs: Any, m: Any) -> Any:
    """The compiled function `ours` for a Device, `theirs` for a Linked."""
    chosen = theirs if getattr(m, "instance_class", None) is Linked else ours
    return chosen(ours, theirs, m), _nothing


def _nothing(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Classes and compiled functions are types: there is nothing to hand on when a kernel runs."""
    return context.get_dummy_value()


@leaf
def _device_sign(m):
    return 1.0


@leaf
def _linked_sign(m):
    return m.sign


@leaf
def sign(m):
    """1.0, or -1.0 for a device whose voltages are mirrored."""
    return _either(_device_sign, _linked_sign, m)(m)


@leaf
def deviating(m, offset_V, factor):
    """The device with its threshold raised by offset_V and its kp times a factor; both may be vectors over edges."""
    return _either(device_deviating, linked_deviating, m)(m, offset_V, factor)


@leaf
def _device_eased(m, scale):
    return m


@leaf
def eased(m, scale):
    """The device where source stepping has reached a share of the sources: 0 V everywhere solves it for none."""
    return _either(_device_eased, linked_eased, m)(m, scale)


@leaf
def step(D_V, gate_V, S_V, d_V, s_V, b_V, m):
    """The `edge.Step` of eight edges."""
    return _either(newton_step, linked_step, m)(D_V, gate_V, S_V, d_V, s_V, b_V, m)


@leaf
def _device_guess(D_V, gate_V, S_V, m):
    through, by = first_guess(D_V, gate_V, S_V, m)
    return D_V - m.rd_ohm * through, S_V + m.rs_ohm * through, through, by, m.rd_ohm * by, 1.0 - m.rs_ohm * by


@leaf
def guess(D_V, gate_V, S_V, m):
    """From end nodes alone: internal d, s; the current leaving at S, its derivative by -S; those of d and s by S."""
    return _either(_device_guess, linked_guess, m)(D_V, gate_V, S_V, m)


@leaf
def _device_body(d_V, s_V, D_V, gate_V, S_V, m):
    return floating_body(d_V, s_V, m) if m.floating > 0.0 else S_V * (1.0 if m.tie_S > 0.0 else 0.0)


@leaf
def body(d_V, s_V, D_V, gate_V, S_V, m):
    """A first guess of the body's voltage."""
    return _either(_device_body, linked_body, m)(d_V, s_V, D_V, gate_V, S_V, m)


@leaf
def _device_always_cut(m):
    return False


@leaf
def _linked_always_cut(m):
    return True  # its tie may drive a junction


@leaf
def always_cut(m):
    """Whether a body's step over a junction's knee is cut short in every pass, and not only where steps are damped."""
    return _either(_device_always_cut, _linked_always_cut, m)(m)


@leaf
def _device_reach(low_V, high_V, lowest_gate_V, highest_gate_V, m):
    return low_V, high_V, highest_gate_V


@leaf
def reach(low_V, high_V, lowest_gate_V, highest_gate_V, m):
    """Between which voltages the nodes of a network lie, and how high its gates, from its sources' and its V_G."""
    return _either(_device_reach, linked_reach, m)(low_V, high_V, lowest_gate_V, highest_gate_V, m)
