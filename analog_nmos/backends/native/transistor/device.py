"""The level-1 transistor for the kernels: drain current and body diodes, eight edges at a time.

Source of the equations: H. Shichman and D. A. Hodges, IEEE J. Solid-State Circuits 3 (1968) 285, in the form that
ngspice evaluates (mos1load.c). Voltages in V, currents in A, conductances in S. The derivatives are those of the
equations, also where ngspice uses others that lead to the same solution (a forward-biased body).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from common.kernels.jit import leaf
from common.kernels.vectors import absolute, any_of, exp, maximum, minimum, select, sqrt

CUTOFF_MARGIN_V = 0.05  # an edge further below its threshold than this has no curvature for steps smaller than this


class Device(NamedTuple):
    """One transistor and its surroundings; `parameters.device_parameters` fills it."""

    beta: float  # A/V^2, kp * w / l
    lam: float  # 1/V, channel-length modulation
    vbi_V: float  # threshold voltage less gamma * sqrt(phi)
    gamma: float  # sqrt(V), body effect
    phi_V: float  # surface potential
    slope: float  # 1/sqrt(V), 1 / (2 sqrt(phi))
    isat_A: float  # saturation current of each body diode
    vt_V: float  # thermal voltage
    gmin_S: float  # across each body diode
    rd_ohm: float  # series resistance of the drain
    rs_ohm: float  # series resistance of the source
    shunt_S: float  # 1 / rshunt, from every node to ground
    shunt_d_S: float  # the same at the internal drain, 0 where there is none
    shunt_s_S: float  # the same at the internal source, 0 where there is none
    body_S: float  # from the body node to its tie, 0 if floating
    tie_S: float  # the same if the tie is the source node, else 0
    floating: float  # 1 if the body floats, else 0
    log_alpha: float  # of the first guess for a floating body, see `edge.floating_body`


@leaf
def deviating(m: Any, offset_V: Any, factor: Any) -> Any:
    """The Device with its threshold raised by offset_V and its kp times a factor; both may be vectors over edges."""
    return Device(
        m.beta * factor, m.lam, m.vbi_V + offset_V, m.gamma, m.phi_V, m.slope, m.isat_A, m.vt_V, m.gmin_S,
        m.rd_ohm, m.rs_ohm, m.shunt_S, m.shunt_d_S, m.shunt_s_S, m.body_S, m.tie_S, m.floating, m.log_alpha,
    )  # fmt: skip


@leaf
def threshold(vbs_V: Any, m: Any) -> Any:
    """Threshold voltage and minus its derivative by vbs (>= 0).

    For vbs > 0 the root sqrt(phi - vbs) continues as its tangent at 0, but never below 0. Both branches share the root
    of phi - min(vbs, 0) and the slope 1 / (2 root), so that there is nothing to select but the end of the tangent.
    """
    root = sqrt(m.phi_V - minimum(vbs_V, 0.0))
    body = root - maximum(vbs_V, 0.0) * m.slope
    slope = select(body > 0.0, (0.5 * m.gamma) / root, 0.0)
    return m.vbi_V + m.gamma * maximum(body, 0.0), slope


@leaf
def drain_current(vd_V: Any, vg_V: Any, vs_V: Any, vb_V: Any, m: Any) -> Any:
    """Current from internal drain to internal source, its derivatives by vd, vs and vb, and a bound on its curvature.

    The terminal with the lower voltage acts as the source. With w = max(vgs - vth, 0) and t = min(vds, w) one formula
    covers cutoff (w = t = 0), saturation (t = w) and the linear region (t = vds):
    I = beta (1 + lambda vds) t (w - t/2).
    """
    across = vd_V - vs_V
    swapped = across < 0.0
    vds = absolute(across)
    low = minimum(vd_V, vs_V)
    vth, slope = threshold(vb_V - low, m)
    overdrive = (vg_V - low) - vth
    w = maximum(overdrive, 0.0)
    t = minimum(vds, w)
    factor = m.beta + (m.beta * m.lam) * vds
    charge = t * (w - 0.5 * t)
    current = factor * charge
    gm = factor * t
    gds = factor * (w - t) + (m.beta * m.lam) * charge
    gmbs = gm * slope
    all_three = (gm + gmbs) + gds
    return (
        select(swapped, 0.0 - current, current),
        select(swapped, all_three, gds),
        0.0 - select(swapped, gds, all_three),
        select(swapped, 0.0 - gmbs, gmbs),
        select(overdrive > -CUTOFF_MARGIN_V, factor, 0.0),
    )


@leaf
def junction(v_V: Any, m: Any) -> Any:
    """Current and conductance of one body diode, gmin included; below -3 Vt it is gmin * v - Is."""
    if any_of(v_V > -3.0 * m.vt_V):  # often no lane conducts, and exp is the slowest part
        grown = m.isat_A * exp(maximum(minimum(v_V * (1.0 / m.vt_V), 650.0), -3.0))
        grown = select(v_V > -3.0 * m.vt_V, grown, 0.0)
    else:
        grown = v_V * 0.0
    return (grown - m.isat_A) + m.gmin_S * v_V, grown * (1.0 / m.vt_V) + m.gmin_S
