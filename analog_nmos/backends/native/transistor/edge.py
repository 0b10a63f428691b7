"""One edge (transistor, series resistances, body) seen from its two end nodes: internal nodes eliminated.

The internal drain d, source s and body b touch only their own edge, so a Newton step on the whole circuit solves
for them by a 3x3 block per edge. With D and S the end nodes, the equations are (rows of d and s scaled by their
resistance, so that a resistance of zero is no special case)

    (d - D) + Rd (shunt d + I - Ibd)       = 0
    (s - S) + Rs (shunt s - I - Ibs)       = 0
    Ibd + Ibs + shunt b + G_body (b - tie) = 0
"""

from __future__ import annotations

from typing import Any, NamedTuple

from analog_nmos.backends.native.transistor.device import drain_current, junction, threshold
from common.kernels.jit import leaf
from common.kernels.vectors import absolute, maximum, minimum, select, splat

FLOATING_BEND = 8.0  # a floating body bends the drain current once more, through its diodes: gmbs / (2 Vt pivot)
# ln of the Wright omega function on (-4, 12), least squares
LOG_OMEGA = (
    -0.570994026, 0.634554770, -0.0692529329, 1.72111733e-3,
    7.53926522e-4, -1.05638124e-4, 5.5719983e-6, -1.04724513e-7,
)  # fmt: skip


class Step(NamedTuple):
    """A Newton step of one edge as a linear function of the steps of its end nodes.

    Internal nodes move by (d, s, b) + (d, s, b)_byS * dS + (d, s, b)_byD * dD; the currents from the end nodes into
    the edge become in_S + in_S_byS * dS + in_S_byD * dD, and in_D likewise. `bend` (A/V^2) bounds the error of
    these linear currents for a step of 1 V in every voltage.

    What follows is for sensitivities, and costs nothing where it is not used: how these currents change with the gate
    voltage V_G at end nodes at rest, what the gate draws through rshunt included (in_D_byG, in_S_byG, in S); with a
    further current from internal drain to internal source (in_D_byI, in_S_byI, no unit); the channel's current (A) and
    its derivative by the gate, `gm` (S).
    """

    d: Any
    s: Any
    b: Any
    d_byS: Any
    s_byS: Any
    b_byS: Any
    d_byD: Any
    s_byD: Any
    b_byD: Any
    in_S: Any
    in_S_byS: Any
    in_S_byD: Any
    in_D: Any
    in_D_byS: Any
    in_D_byD: Any
    bend: Any
    in_D_byG: Any
    in_S_byG: Any
    in_D_byI: Any
    in_S_byI: Any
    current: Any
    gm: Any


@leaf
def newton_step(D_V: Any, gate_V: Any, S_V: Any, d_V: Any, s_V: Any, b_V: Any, m: Any) -> Any:
    """The Step of eight edges at end nodes (D_V, S_V) and internal nodes (d_V, s_V, b_V)."""
    current, by_d, by_s, by_b, bend = drain_current(d_V, gate_V, s_V, b_V, m)
    current_d, conductance_d = junction(b_V - d_V, m)
    current_s, conductance_s = junction(b_V - s_V, m)
    out_d = m.shunt_d_S * d_V + current - current_d  # currents leaving the internal nodes
    out_s = m.shunt_s_S * s_V - current - current_s
    dd = by_d + (m.shunt_d_S + conductance_d)
    ds = by_s
    db = by_b - conductance_d
    sd = 0.0 - by_d
    ss = (m.shunt_s_S + conductance_s) - by_s
    sb = 0.0 - (by_b + conductance_s)
    residual_d = (D_V - d_V) - m.rd_ohm * out_d
    residual_s = (S_V - s_V) - m.rs_ohm * out_s
    residual_b = m.tie_S * S_V - (current_d + current_s + (m.shunt_S + m.body_S) * b_V)

    pivot = 1.0 / (conductance_d + conductance_s + (m.shunt_S + m.body_S))
    down_d = m.rd_ohm * db * pivot
    down_s = m.rs_ohm * sb * pivot
    a_dd = 1.0 + m.rd_ohm * dd + down_d * conductance_d
    a_ds = m.rd_ohm * ds + down_d * conductance_s
    a_sd = m.rs_ohm * sd + down_s * conductance_d
    a_ss = 1.0 + m.rs_ohm * ss + down_s * conductance_s
    scale = 1.0 / (a_dd * a_ss - a_ds * a_sd)
    inv_dd, inv_ds, inv_sd, inv_ss = a_ss * scale, 0.0 - a_ds * scale, 0.0 - a_sd * scale, a_dd * scale

    right_d = residual_d - down_d * residual_b
    right_s = residual_s - down_s * residual_b
    d = inv_dd * right_d + inv_ds * right_s
    s = inv_sd * right_d + inv_ss * right_s
    b = pivot * (residual_b + conductance_d * d + conductance_s * s)
    tied_d = 0.0 - down_d * m.tie_S  # a body tied to the source node feels S directly
    tied_s = 1.0 - down_s * m.tie_S
    d_byS = inv_dd * tied_d + inv_ds * tied_s
    s_byS = inv_sd * tied_d + inv_ss * tied_s
    b_byS = pivot * (m.tie_S + conductance_d * d_byS + conductance_s * s_byS)
    b_byD = pivot * (conductance_d * inv_dd + conductance_s * inv_sd)
    sb = sb - m.tie_S
    gm = 0.0 - (by_d + by_s + by_b)
    d_byI = inv_ds * m.rs_ohm - inv_dd * m.rd_ohm
    s_byI = inv_ss * m.rs_ohm - inv_sd * m.rd_ohm
    b_byI = pivot * (conductance_d * d_byI + conductance_s * s_byI)
    in_D_byI = 1.0 + (dd * d_byI + ds * s_byI + db * b_byI)
    in_S_byI = (sd * d_byI + ss * s_byI + sb * b_byI) - 1.0
    return Step(
        d, s, b, d_byS, s_byS, b_byS, inv_dd, inv_sd, b_byD,
        (out_s + m.tie_S * (S_V - b_V)) + (sd * d + ss * s + sb * b),
        m.tie_S + (sd * d_byS + ss * s_byS + sb * b_byS),
        sd * inv_dd + ss * inv_sd + sb * b_byD,
        out_d + (dd * d + ds * s + db * b),
        dd * d_byS + ds * s_byS + db * b_byS,
        dd * inv_dd + ds * inv_sd + db * b_byD,
        (2.0 + FLOATING_BEND * m.floating) * bend + (conductance_d + conductance_s) * (1.0 / m.vt_V),
        gm * in_D_byI, gm * in_S_byI, in_D_byI, in_S_byI, current, gm,
    )  # fmt: skip


@leaf
def floating_body(d_V: Any, s_V: Any, m: Any) -> Any:
    """Voltage of a floating body between internal drain and source, to 0.5 mV: a first guess.

    One diode is reverse biased, where its exponential is negligible, so that the forward voltage u obeys
    a u + Is exp(u / Vt) = c with a = 2 gmin + shunt. In w = u / Vt + ln(Is / (a Vt)) this is w + exp(w) = z: w(z) is
    ln of the Wright omega function, here a polynomial for -4 < z < 12.
    """
    low = minimum(d_V, s_V)
    a = 2.0 * m.gmin_S + m.shunt_S
    z = ((m.gmin_S * absolute(d_V - s_V) + 2.0 * m.isat_A) - m.shunt_S * low) * (1.0 / (a * m.vt_V)) + m.log_alpha
    x = minimum(z, 12.0)
    w = ((LOG_OMEGA[7] * x + LOG_OMEGA[6]) * x + LOG_OMEGA[5]) * x + LOG_OMEGA[4]
    w = (((w * x + LOG_OMEGA[3]) * x + LOG_OMEGA[2]) * x + LOG_OMEGA[1]) * x + LOG_OMEGA[0]
    w = select(x > -4.0, w, x)
    return low + (w - m.log_alpha) * m.vt_V


@leaf
def below_knee(before_V: Any, d_V: Any, s_V: Any, b_V: Any, knee_V: Any, m: Any) -> Any:
    """The body voltage b_V, lowered where a forward junction has jumped over its knee.

    Beyond the knee Newton's method falls by only Vt a pass. `before_V` is the larger junction voltage of the last pass,
    from which it may rise by 2 Vt.
    """
    return minimum(b_V, minimum(d_V, s_V) + maximum(before_V + 2.0 * m.vt_V, splat(knee_V)))


@leaf
def first_guess(D_V: Any, gate_V: Any, S_V: Any, m: Any) -> Any:
    """Current into the drain end and its derivative by -S_V, from the end nodes alone: two Newton steps in the current.

    Diodes and shunts are neglected, and a floating body is put near the middle, at most 0.36 V above the lower end.
    """
    across = D_V - S_V
    swapped = across < 0.0
    vds = absolute(across)
    low = minimum(D_V, S_V)
    body = m.floating * (low + minimum(0.47 * vds, 0.36))
    if m.tie_S > 0.0:
        body = S_V * 1.0
    vth, slope = threshold(body - low, m)
    overdrive = (gate_V - low) - vth
    r_low = select(swapped, m.rd_ohm, m.rs_ohm)
    r_both = m.rd_ohm + m.rs_ohm
    factor = m.beta + (m.beta * m.lam) * vds
    w = maximum(overdrive, 0.0)
    t = minimum(vds, w)
    rise = r_low + slope * (0.5 * r_both)
    current = factor * t * (w - 0.5 * t) / (1.0 + factor * (t * rise + (w - t) * r_both))
    w = maximum(overdrive - current * rise, 0.0)
    t = minimum(vds - r_both * current, w)
    scale = 1.0 / (1.0 + factor * (t * rise + (w - t) * r_both))
    current = current + (factor * t * (w - 0.5 * t) - current) * scale
    slope = select(swapped, w - t, w) * factor * scale
    return select(swapped, 0.0 - current, current), slope
