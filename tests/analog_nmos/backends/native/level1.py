"""A second solver of the netlist that shares nothing with the kernels: NumPy, all nodes, long doubles, many circuits.

Each circuit's unknowns are its outputs and hidden nodes, then internal drain, internal source and body of every edge.
Equations of H. Shichman and D. A. Hodges, IEEE J. Solid-State Circuits 3 (1968) 285, temperatures as in mos1temp.c.
"""

from dataclasses import dataclass, fields

import numpy as np

REAL = np.longdouble
K, Q, ZERO_C, REFERENCE_K = REAL("1.38064852e-23"), REAL("1.6021766208e-19"), REAL("273.15"), REAL("300.15")


@dataclass
class Batch:
    """C circuits with the same numbers of nodes and edges.

    Attributes:
        n_free: F, outputs and hidden nodes of each.
        ends: (C, E, 2) drain and source of each edge; numbers below F are free nodes, F + i is fixed_V[:, i].
        fixed_V: (C, X) rails and inputs.
        gate_V: (C, E).
        series_S, sink_V: (C, F), conductance and far end of an output's series resistor; 0 at hidden nodes.
        options: name -> (C,) for gmin, rshunt, body_res, temp, tnom; `tie` and `gate_ref` hold words.
        card: name -> (C,) for vto, kp, gamma, phi, lambda, is, rd, rs (ohm), w_l; or (C, E) where transistors differ.
    """

    n_free: int
    ends: np.ndarray
    fixed_V: np.ndarray
    gate_V: np.ndarray
    series_S: np.ndarray
    sink_V: np.ndarray
    options: dict
    card: dict


def device(batch):
    """Parameters at TEMP, each (C, 1) or (C, E)."""
    card = {name: values.astype(REAL).reshape(len(values), -1) for name, values in batch.card.items()}
    T, T0 = (batch.options[name].astype(REAL)[:, None] + ZERO_C for name in ("temp", "tnom"))
    gap, gap0 = (REAL("1.16") - REAL("7.02e-4") * t**2 / (t + 1108) for t in (T, T0))

    def shift(t, eg):
        return -2 * K * t / Q * (REAL("1.5") * np.log(t / REFERENCE_K) - Q * eg / (2 * K * t) + shift_0)

    shift_0 = Q * REAL("1.1150877") / (2 * K * REFERENCE_K)
    phi = T / REFERENCE_K * ((card["phi"] - shift(T0, gap0)) / (T0 / REFERENCE_K)) + shift(T, gap)
    vbi = card["vto"] - card["gamma"] * np.sqrt(card["phi"]) + (gap0 - gap) / 2 + (phi - card["phi"]) / 2
    return {
        "beta": card["kp"] / (T / T0) ** REAL("1.5") * card["w_l"],
        "lambda": card["lambda"], "gamma": card["gamma"], "rd": card["rd"], "rs": card["rs"],
        "phi": phi, "vbi": vbi, "vt": K * T / Q,
        "is": card["is"] * np.exp(Q / K * (gap0 / T0 - gap / T)),
    }  # fmt: skip


def transistor(p, vd, vg, vs, vb):
    """Drain current and its derivatives by vd, vs, vb, vg."""
    forward = vd >= vs
    low, high = np.where(forward, vs, vd), np.where(forward, vd, vs)
    vbs, vds = vb - low, high - low
    root = np.sqrt(np.where(vbs <= 0, p["phi"] - vbs, p["phi"]))
    tangent = np.maximum(np.sqrt(p["phi"]) - vbs / (2 * np.sqrt(p["phi"])), 0)
    body = np.where(vbs <= 0, root, tangent)
    body_by = np.where(vbs <= 0, -1 / (2 * root), np.where(tangent > 0, -1 / (2 * np.sqrt(p["phi"])), 0))
    over = vg - low - p["vbi"] - p["gamma"] * body
    lam = 1 + p["lambda"] * vds
    saturated, on = over <= vds, over > 0
    linear = (over - vds / 2) * vds
    shape = np.where(saturated, over**2 / 2, linear)
    i = np.where(on, p["beta"] * lam * shape, 0)
    gm = np.where(on, p["beta"] * lam * np.where(saturated, over, vds), 0)
    gds = np.where(on, p["beta"] * (p["lambda"] * shape + np.where(saturated, 0, lam * (over - vds))), 0)
    gmb = -gm * p["gamma"] * body_by
    by_high, by_low = gds, -(gm + gds + gmb)
    sign = np.where(forward, 1, -1)
    by_d, by_s = np.where(forward, by_high, by_low), np.where(forward, by_low, by_high)
    return sign * i, sign * by_d, sign * by_s, sign * gmb, sign * gm


def diode(p, v, gmin):
    """Current and conductance of a body junction."""
    grown = np.where(v > -3 * p["vt"], np.exp(np.minimum(v / p["vt"], 650)), 0)
    return p["is"] * (grown - 1) + gmin * v, p["is"] * grown / p["vt"] + gmin


def equations(batch, p, x):
    """Residual currents (C, N) in long double and their Jacobian (C, N, N)."""
    count, n_edges = batch.gate_V.shape
    n, f = x.shape[1], batch.n_free
    rows = np.arange(count)[:, None]
    shunt = (1 / batch.options["rshunt"].astype(REAL))[:, None]
    gmin = batch.options["gmin"].astype(REAL)[:, None]
    edge = np.arange(n_edges)[None, :]
    D, S = batch.ends[..., 0], batch.ends[..., 1]
    d, s, b = (np.broadcast_to(f + k * n_edges + edge, D.shape) for k in range(3))
    d = np.where(p["rd"] > 0, d, _place(D, f, n))  # without a resistance there is no internal node
    s = np.where(p["rs"] > 0, s, _place(S, f, n))
    D, S = (_place(end, f, n) for end in (D, S))
    all_V = np.concatenate([x, batch.fixed_V.astype(REAL), np.zeros((count, 1))], axis=1)
    ground = np.full_like(D, all_V.shape[1] - 1)
    tie, body_ohm = batch.options["tie"][:, None], batch.options["body_res"].astype(REAL)[:, None]
    direct = (tie != "floating") & (body_ohm == 0)
    b = np.where(direct, np.select([tie == "source", tie == "drain"], [S, D], ground), b)
    ref = batch.options["gate_ref"][:, None]
    ref = np.select([ref == "drain", ref == "source", ref == "body"], [D, S, b], ground)
    residual = np.zeros((count, all_V.shape[1]), REAL)
    jacobian = np.zeros((*all_V.shape, all_V.shape[1]), REAL)

    def flow(start, end, current, *derivatives):
        """Current from one node to another (None: ground); derivatives are pairs (node, by its voltage)."""
        for node, sign in ((start, 1), (end, -1)):
            if node is not None:
                np.add.at(residual, (rows, node), sign * current)
                for other, g in derivatives:
                    np.add.at(jacobian, (rows, node, other), sign * g)

    def voltage(node):
        return np.take_along_axis(all_V, node, 1)

    free, every = np.arange(f)[None, :], np.arange(n)[None, :]
    flow(free, None, batch.series_S.astype(REAL) * (x[:, :f] - batch.sink_V), (free, batch.series_S))
    flow(every, None, shunt * x, (every, shunt))
    for end, inner, ohm in ((D, d, p["rd"]), (S, s, p["rs"])):
        g = np.where(ohm > 0, 1 / np.where(ohm > 0, ohm, 1), 0)
        flow(end, inner, g * (voltage(end) - voltage(inner)), (end, g), (inner, -g))
    g = batch.gate_V.astype(REAL) + voltage(ref)
    i, by_d, by_s, by_b, by_g = transistor(p, voltage(d), g, voltage(s), voltage(b))
    flow(d, s, i, (d, by_d), (s, by_s), (b, by_b), (ref, by_g))
    flow(ref, None, shunt * g, (ref, shunt))  # rshunt at the gate node, through the gate's source
    for inner in (d, s):
        i, g = diode(p, voltage(b) - voltage(inner), gmin)
        flow(b, inner, i, (b, g), (inner, -g))
    g = np.where((tie == "floating") | direct, 0, 1 / np.where(body_ohm == 0, 1, body_ohm))
    for word, end in (("source", S), ("drain", D)):
        to_end = np.where(tie == word, g, 0)
        flow(b, end, to_end * (voltage(b) - voltage(end)), (b, to_end), (end, -to_end))
    to_ground = np.where(tie == "ground", g, 0)
    flow(b, None, to_ground * voltage(b), (b, to_ground))
    # Nodes that are none (no resistance) stay where they are.
    for k, is_node in ((0, p["rd"] > 0), (1, p["rs"] > 0), (2, ~direct)):
        unused = (~np.broadcast_to(is_node, D.shape)).nonzero()
        if unused[0].size:
            at = f + k * n_edges + unused[1]
            residual[unused[0], at] = 0
            jacobian[unused[0], at, :] = 0
            jacobian[unused[0], at, at] = 1
    return residual[:, :n], jacobian[:, :n, :n]


def _place(end, n_free, n):
    """Where a node stands among n unknowns and the fixed voltages behind them."""
    return end + (n - n_free) * (end >= n_free)


def solve(batch, free_V, passes=150):
    """Newton from outputs and hidden nodes free_V (C, F): solution (C, N) and its last step (C,), NaN where it failed.

    Internal nodes are solved first with free_V held, since a start near the solution is worth nothing without them.
    """
    p = device(batch)
    n_edges = batch.gate_V.shape[1]
    f, n = batch.n_free, batch.n_free + 3 * n_edges
    all_V = np.concatenate([free_V, batch.fixed_V], axis=1)
    at = batch.ends.astype(int)
    D, S = (np.take_along_axis(all_V, at[..., k], 1) for k in range(2))
    tie = batch.options["tie"][:, None]
    b = np.minimum(np.select([tie == "source", tie == "drain"], [S, D], 0.0), np.minimum(D, S) + 0.3)
    x = np.concatenate([free_V, D, S, b], axis=1).astype(REAL)
    internal = np.zeros(n, bool)
    internal[f:] = True
    for moving in (internal, np.ones(n, bool)):
        x, size = _newton(batch, p, x, moving, passes)
    return x, size


def _newton(batch, p, x, moving, passes):
    at = np.flatnonzero(moving)
    x, size = x.copy(), np.full(len(x), np.inf)
    inner = [
        slice(x.shape[1] - k * batch.gate_V.shape[1], x.shape[1] - (k - 1) * batch.gate_V.shape[1]) for k in (3, 2, 1)
    ]
    span = np.abs(np.concatenate([batch.fixed_V, batch.sink_V], axis=1)).max(axis=1, keepdims=True)
    going = np.arange(len(x))  # circuits that are not there yet
    for passed in range(passes):
        now_p, now = {k: v[going] for k, v in p.items()}, x[going]
        residual, jacobian = equations(_some(batch, going), now_p, now)
        step = -eliminate(jacobian[:, at][:, :, at], residual[:, at])
        size[going] = np.abs(step).max(axis=1)
        # A kink makes Newton's method walk to and fro: allow less and less.
        limit = (2 + REAL("0.2") * span[going]) * REAL("0.8") ** max(passed - 100, 0)
        now[:, at] += np.clip(step, -limit, limit)
        # A forward junction is approached from below its knee, or its exponential takes a hundred steps back.
        before = _forward(x[going], inner)
        knee = np.maximum(before + now_p["vt"] * 2, now_p["vt"] * np.log(REAL("1e-2") / now_p["is"]))
        d, s, b = (now[:, part] for part in inner)
        now[:, inner[2]] = np.minimum(b, np.minimum(d, s) + knee)
        x[going] = now
        going = going[(size[going] > 1e-13) & np.isfinite(size[going])]
        if not going.size:
            break
    return x, size


def _forward(x, inner):
    """Voltage of the junction that is more forward biased."""
    d, s, b = (x[:, part] for part in inner)
    return b - np.minimum(d, s)


def _some(batch, rows):
    """The circuits with these numbers."""

    def pick(value):
        return {k: v[rows] for k, v in value.items()} if isinstance(value, dict) else value[rows]

    parts = {field.name: pick(getattr(batch, field.name)) for field in fields(Batch) if field.name != "n_free"}
    return Batch(n_free=batch.n_free, **parts)


def eliminate(a, r):
    """Solutions (C, N) of C systems by Gaussian elimination with scaled row exchanges; inf or NaN where singular."""
    a = np.concatenate([a, r[..., None]], axis=2)
    a = a / np.abs(a[..., :-1]).max(axis=2, keepdims=True)
    rows, n = np.arange(len(a)), a.shape[1]
    for k in range(n):
        pivot = k + np.abs(a[:, k:, k]).argmax(axis=1)
        a[rows, k], a[rows, pivot] = a[rows, pivot].copy(), a[rows, k].copy()
        a[:, k] /= a[:, k, k : k + 1].copy()
        others = np.arange(n) != k
        a[:, others, k:] -= a[:, others, k, None] * a[:, None, k, k:]
    return a[..., -1]
