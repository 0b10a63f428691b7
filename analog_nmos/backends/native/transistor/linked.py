"""Transistors whose body or gate source hangs on other nodes than `device.Device` knows, and those of type PMOS.

A `Linked` device does all at once, chosen by factors of 0 or 1, so that kernels are compiled once more and not for
every combination: a body tied directly or to the drain, a gate source on the drain, the source or the body, and a
PMOS, whose equations are those of an NMOS with every voltage and current mirrored (`sign`). Equations, with the end
nodes D and S, X the end node of the tie (0 V: ground), and the gate at g = V_G + (0, D, S or b):

    (d - D) + Rd (shunt d + I - Ibd)            = 0
    (s - S) + Rs (shunt s - I - Ibs)            = 0
    held (b - X) + Rb (Ibd + Ibs + shunt b ...) = 0     Rb = 0: the body is the tie's node; floating: held = 0, Rb = 1

rshunt hangs on the gate node too: through V_G it draws g / rshunt from the node that the gate source stands on, which
is why such a node feels a source of -V_G behind rshunt (`reach`).

A gate that follows D, S or b by a share of 0 to 1 leaves the current into an end node rising with its voltage, and
what leaves at the other end below it: matrices stay diagonally dominant by columns, which `coupled` relies on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from analog_nmos.backends.native.transistor.device import drain_current, junction, threshold
from analog_nmos.backends.native.transistor.edge import LOG_OMEGA, Step
from common.kernels.jit import leaf
from common.kernels.vectors import absolute, exp, maximum, minimum, select

FLOATING_GATE_BEND = 24.0  # as edge.FLOATING_BEND, of a gate on a floating body: (gm + gmbs) / (2 Vt pivot)
GUESSED_FORWARD_V = 0.7  # no first guess puts a body further above the lower end


class Linked(NamedTuple):
    """One transistor and its surroundings; up to `log_alpha` as in `device.Device`."""

    beta: float
    lam: float
    vbi_V: float
    gamma: float
    phi_V: float
    slope: float
    isat_A: float
    vt_V: float
    gmin_S: float
    rd_ohm: float
    rs_ohm: float
    shunt_S: float
    shunt_d_S: float
    shunt_s_S: float
    floating: float
    log_alpha: float
    held: float  # 0 if the body floats, else 1
    body_ohm: float  # from the body to its tie; 0: it is the tie's node; 1 if it floats
    shunt_b_S: float  # 1 / rshunt at the body node, 0 where there is none of its own
    on_D: float  # 1 if the body is tied to the drain node, else 0
    on_S: float  # 1 if it is tied to the source node
    gate_D: float  # 1 if the gate source stands on the drain node
    gate_S: float  # 1 if it stands on the source node
    gate_b: float  # 1 if it stands on a body node of its own
    pull: float  # share of V_G that drives a current through rshunt; below 1 in source stepping only
    bend: float  # of the drain current, see `edge.Step`
    ohm_d: float  # Rb + Rd, at least 1 mohm, for `_forward`
    ohm_s: float  # the same with Rs
    log_d: float  # ln of isat * ohm_d / vt
    log_s: float  # the same with ohm_s
    sign: float  # -1 for a PMOS, whose voltages are mirrored here, else 1


@leaf
def linked_deviating(m: Any, offset_V: Any, factor: Any) -> Any:
    """As `device.deviating`."""
    return Linked(
        m.beta * factor, m.lam, m.vbi_V + m.sign * offset_V, m.gamma, m.phi_V, m.slope, m.isat_A, m.vt_V, m.gmin_S,
        m.rd_ohm, m.rs_ohm, m.shunt_S, m.shunt_d_S, m.shunt_s_S, m.floating, m.log_alpha, m.held, m.body_ohm,
        m.shunt_b_S, m.on_D, m.on_S, m.gate_D, m.gate_S, m.gate_b, m.pull, m.bend, m.ohm_d, m.ohm_s, m.log_d,
        m.log_s, m.sign,
    )  # fmt: skip


@leaf
def linked_eased(m: Any, scale: Any) -> Any:
    """The device in source stepping: gates stay, but what they draw through rshunt is scaled with the sources."""
    return Linked(
        m.beta, m.lam, m.vbi_V, m.gamma, m.phi_V, m.slope, m.isat_A, m.vt_V, m.gmin_S, m.rd_ohm, m.rs_ohm, m.shunt_S,
        m.shunt_d_S, m.shunt_s_S, m.floating, m.log_alpha, m.held, m.body_ohm, m.shunt_b_S, m.on_D, m.on_S, m.gate_D,
        m.gate_S, m.gate_b, scale, m.bend, m.ohm_d, m.ohm_s, m.log_d, m.log_s, m.sign,
    )  # fmt: skip


@leaf
def linked_step(D_V: Any, gate_V: Any, S_V: Any, d_V: Any, s_V: Any, b_V: Any, m: Any) -> Any:
    """As `edge.newton_step`; gate_V is V_G as the user gives it."""
    gate_V = m.sign * gate_V
    moved_V = gate_V + (m.gate_D * D_V + m.gate_S * S_V + m.gate_b * b_V)
    drawn_V = m.pull * gate_V
    current, by_d, by_s, by_b, bend = drain_current(d_V, moved_V, s_V, b_V, m)
    by_g = 0.0 - (by_d + by_s + by_b)
    by_D, by_S, by_b = m.gate_D * by_g, m.gate_S * by_g, by_b + m.gate_b * by_g
    current_d, conductance_d = junction(b_V - d_V, m)
    current_s, conductance_s = junction(b_V - s_V, m)
    shunt_b_S, draws_S = m.shunt_b_S + m.gate_b * m.shunt_S, m.gate_b * m.shunt_S
    out_d = m.shunt_d_S * d_V + current - current_d  # currents leaving the internal nodes
    out_s = m.shunt_s_S * s_V - current - current_s
    out_b = current_d + current_s + shunt_b_S * b_V + draws_S * drawn_V
    dd = by_d + (m.shunt_d_S + conductance_d)
    ds = by_s
    db = by_b - conductance_d
    sd = 0.0 - by_d
    ss = (m.shunt_s_S + conductance_s) - by_s
    sb = 0.0 - (by_b + conductance_s)
    bb = conductance_d + conductance_s + shunt_b_S
    residual_d = (D_V - d_V) - m.rd_ohm * out_d
    residual_s = (S_V - s_V) - m.rs_ohm * out_s
    residual_b = (m.on_D * D_V + m.on_S * S_V - m.held * b_V) - m.body_ohm * out_b

    pivot = 1.0 / (m.held + m.body_ohm * bb)
    reply = m.body_ohm * pivot  # of the body to currents into it
    down_d, down_s = m.rd_ohm * db, m.rs_ohm * sb
    a_dd = 1.0 + m.rd_ohm * dd + down_d * (reply * conductance_d)
    a_ds = m.rd_ohm * ds + down_d * (reply * conductance_s)
    a_sd = m.rs_ohm * sd + down_s * (reply * conductance_d)
    a_ss = 1.0 + m.rs_ohm * ss + down_s * (reply * conductance_s)
    scale = 1.0 / (a_dd * a_ss - a_ds * a_sd)
    inv_dd, inv_ds, inv_sd, inv_ss = a_ss * scale, 0.0 - a_ds * scale, 0.0 - a_sd * scale, a_dd * scale

    right_b = pivot * residual_b
    right_d = residual_d - down_d * right_b
    right_s = residual_s - down_s * right_b
    d = inv_dd * right_d + inv_ds * right_s
    s = inv_sd * right_d + inv_ss * right_s
    b = right_b + reply * (conductance_d * d + conductance_s * s)
    b_S = pivot * m.on_S
    right_d = 0.0 - m.rd_ohm * by_S - down_d * b_S
    right_s = 1.0 + m.rs_ohm * by_S - down_s * b_S
    d_byS = inv_dd * right_d + inv_ds * right_s
    s_byS = inv_sd * right_d + inv_ss * right_s
    b_byS = b_S + reply * (conductance_d * d_byS + conductance_s * s_byS)
    b_D = pivot * m.on_D
    right_d = 1.0 - m.rd_ohm * by_D - down_d * b_D
    right_s = m.rs_ohm * by_D - down_s * b_D
    d_byD = inv_dd * right_d + inv_ds * right_s
    s_byD = inv_sd * right_d + inv_ss * right_s
    b_byD = b_D + reply * (conductance_d * d_byD + conductance_s * s_byD)
    # What the body takes from its tie is what leaves it: no difference of nearly equal voltages over a resistance.
    new_b = out_b + (bb * b - conductance_d * d - conductance_s * s)
    new_b_byS = bb * b_byS - conductance_d * d_byS - conductance_s * s_byS
    new_b_byD = bb * b_byD - conductance_d * d_byD - conductance_s * s_byD
    d_byI = inv_ds * m.rs_ohm - inv_dd * m.rd_ohm
    s_byI = inv_ss * m.rs_ohm - inv_sd * m.rd_ohm
    b_byI = reply * (conductance_d * d_byI + conductance_s * s_byI)
    new_b_byI = bb * b_byI - conductance_d * d_byI - conductance_s * s_byI
    in_D_byI = 1.0 + (dd * d_byI + ds * s_byI + db * b_byI) + m.on_D * new_b_byI
    in_S_byI = (sd * d_byI + ss * s_byI + sb * b_byI) - 1.0 + m.on_S * new_b_byI
    # What a gate on the body draws from it, per volt of V_G, is the second way in which V_G acts inside the edge.
    drawn_S = m.pull * draws_S
    b_G = 0.0 - reply * drawn_S
    d_byG = 0.0 - (inv_dd * down_d + inv_ds * down_s) * b_G
    s_byG = 0.0 - (inv_sd * down_d + inv_ss * down_s) * b_G
    b_byG = b_G + reply * (conductance_d * d_byG + conductance_s * s_byG)
    new_b_byG = drawn_S + (bb * b_byG - conductance_d * d_byG - conductance_s * s_byG)
    draws_D, draws_S = m.gate_D * m.shunt_S, m.gate_S * m.shunt_S
    in_D_byG = by_g * in_D_byI + (dd * d_byG + ds * s_byG + db * b_byG) + m.on_D * new_b_byG + m.pull * draws_D
    in_S_byG = by_g * in_S_byI + (sd * d_byG + ss * s_byG + sb * b_byG) + m.on_S * new_b_byG + m.pull * draws_S
    return Step(
        d, s, b, d_byS, s_byS, b_byS, d_byD, s_byD, b_byD,
        (out_s + (sd * d + ss * s + sb * b)) + m.on_S * new_b + draws_S * (drawn_V + S_V),
        (sd * d_byS + ss * s_byS + sb * b_byS - by_S) + m.on_S * new_b_byS + draws_S,
        (sd * d_byD + ss * s_byD + sb * b_byD - by_D) + m.on_S * new_b_byD,
        (out_d + (dd * d + ds * s + db * b)) + m.on_D * new_b + draws_D * (drawn_V + D_V),
        (dd * d_byS + ds * s_byS + db * b_byS + by_S) + m.on_D * new_b_byS,
        (dd * d_byD + ds * s_byD + db * b_byD + by_D) + m.on_D * new_b_byD + draws_D,
        m.bend * bend + (conductance_d + conductance_s) * (1.0 / m.vt_V),
        in_D_byG, in_S_byG, in_D_byI, in_S_byI, current, by_g,
    )  # fmt: skip


@leaf
def _omega(z: Any) -> Any:
    """ln of the Wright omega function for z < 12 (beyond: its value there), see `edge.floating_body`."""
    x = minimum(z, 12.0)
    w = ((LOG_OMEGA[7] * x + LOG_OMEGA[6]) * x + LOG_OMEGA[5]) * x + LOG_OMEGA[4]
    w = (((w * x + LOG_OMEGA[3]) * x + LOG_OMEGA[2]) * x + LOG_OMEGA[1]) * x + LOG_OMEGA[0]
    return select(x > -4.0, w, x)


@leaf
def _forward(X_V: Any, end_V: Any, ohm: Any, log_ohm: Any, m: Any) -> Any:
    """A guess of the current from a tie through a junction to an end, the resistances between them included; >= 0.

    With u across the junction, u + R Is exp(u / Vt) = X - end, solved as in `edge.floating_body`.
    """
    grown = exp(maximum(_omega((X_V - end_V) * (1.0 / m.vt_V) + log_ohm), -200.0))
    return grown * (m.held * m.vt_V / ohm)


@leaf
def _tie(D_V: Any, S_V: Any, m: Any) -> Any:
    return m.on_D * D_V + m.on_S * S_V


@leaf
def linked_body(d_V: Any, s_V: Any, D_V: Any, gate_V: Any, S_V: Any, m: Any) -> Any:
    """A first guess of the body's voltage, floating (`edge.floating_body`, with what its gate draws) or tied."""
    low = minimum(d_V, s_V)
    draws_S = m.gate_b * m.shunt_S
    a = 2.0 * m.gmin_S + m.shunt_b_S + draws_S
    drawn_A = m.shunt_b_S * low + draws_S * (low + m.pull * (m.sign * gate_V))
    z = ((m.gmin_S * absolute(d_V - s_V) + 2.0 * m.isat_A) - drawn_A) * (1.0 / (a * m.vt_V)) + m.log_alpha
    floats_V = low + (_omega(z) - m.log_alpha) * m.vt_V
    X_V = _tie(D_V, S_V, m)
    through = maximum(_forward(X_V, D_V, m.ohm_d, m.log_d, m), _forward(X_V, S_V, m.ohm_s, m.log_s, m))
    return m.floating * floats_V + m.held * (X_V - m.body_ohm * through)


@leaf
def linked_guess(D_V: Any, gate_V: Any, S_V: Any, m: Any) -> Any:
    """As `kinds.guess`: as `edge.first_guess`, and with the currents of forward junctions."""
    across = D_V - S_V
    swapped = across < 0.0
    vds = absolute(across)
    low = minimum(D_V, S_V)
    X_V = _tie(D_V, S_V, m)
    body = m.floating * (low + minimum(0.47 * vds, 0.36)) + m.held * minimum(X_V, low + GUESSED_FORWARD_V)
    vth, slope = threshold(body - low, m)
    gate = m.sign * gate_V + (m.gate_D * D_V + m.gate_S * S_V + m.gate_b * body)
    overdrive = (gate - low) - vth
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
    # A gate on the source node takes the transconductance out of the slope, or puts it in if the ends are swapped.
    by = (w - select(swapped, 1.0 - m.gate_S, m.gate_S) * t) * factor * scale + m.lam * current
    through = select(swapped, 0.0 - current, current)
    through_d, through_s = _forward(X_V, D_V, m.ohm_d, m.log_d, m), _forward(X_V, S_V, m.ohm_s, m.log_s, m)
    by_d = m.on_S * through_d / (m.vt_V + m.ohm_d * through_d)
    by_s = (1.0 - m.on_S) * through_s / (m.vt_V + m.ohm_s * through_s)
    return (
        D_V - m.rd_ohm * (through - through_d),
        S_V + m.rs_ohm * (through + through_s),
        (through + through_s) - m.on_S * (through_d + through_s),
        by + by_d + by_s,
        m.rd_ohm * (by + by_d),
        1.0 - m.rs_ohm * (by + by_s),
    )


@leaf
def linked_reach(low_V: Any, high_V: Any, lowest_gate_V: Any, highest_gate_V: Any, m: Any) -> Any:
    """As `kinds.reach`."""
    follows = m.gate_D + m.gate_S + m.gate_b
    low_V, high_V = min(low_V, -follows * highest_gate_V), max(high_V, -follows * lowest_gate_V)
    return low_V, high_V, highest_gate_V + follows * high_V
