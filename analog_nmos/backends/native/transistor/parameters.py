"""From a model card and circuit options to the numbers of the kernels; what is not modelled is refused by name.

Temperatures follow ngspice's mos1temp.c: threshold, surface potential, transconductance and saturation current move
with TEMP away from TNOM. ngspice's tolerances (reltol, abstol, vntol) and iteration limits (itl1, itl2, itl4) have no
meaning here: the native solver has its own, far tighter, `tolerance_V`.
"""

from __future__ import annotations

import math

from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.edge import FLOATING_BEND
from analog_nmos.backends.native.transistor.linked import FLOATING_GATE_BEND, Linked
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from common.errors import InputError

MODEL_DEFAULTS = {"vto": 0.0, "kp": 2e-5, "gamma": 0.0, "phi": 0.6, "lambda": 0.0, "rsh": 0.0, "is": 1e-14}
INSTANCE_DEFAULTS = {"l": 1e-4, "w": 1e-4, "nrd": 1.0, "nrs": 1.0}
# No operating point depends on these: capacitances, noise, and the gate's type where vto is given.
NO_CURRENT_MODEL = {"level", "tpg", "cbd", "cbs", "cgso", "cgdo", "cgbo", "cj", "mj", "cjsw", "mjsw", "pb"}
NO_CURRENT_MODEL |= {"fc", "kf", "af"}
NO_CURRENT_INSTANCE = {"as", "ad", "ps", "pd"}
LEAST_OHM = 1e-3  # below, rounding can move ngspice's voltages by 3e-6 V, so there is no reference to compare with
KELVIN = 273.15
REFERENCE_K = 300.15
BOLTZMANN = 1.38064852e-23  # J/K, CODATA 2014 as in ngspice 39
CHARGE = 1.6021766208e-19  # C


def check_card(card: ModelCard) -> None:
    """Raise InputError naming what the native solver does not model, or a value that makes no sense."""
    if card.unread:
        raise InputError(f"native does not model {card.unread} (card {card.path}). Use --backend ngspice")
    level = card.model.get("level", 1.0)
    if level != 1.0:
        raise InputError(
            f"native does not model level {level:g} (card {card.path}), only level 1. Use --backend ngspice"
        )
    for kind, given, known in (
        ("model", card.model, MODEL_DEFAULTS.keys() | NO_CURRENT_MODEL),
        ("instance", card.instance, INSTANCE_DEFAULTS.keys() | NO_CURRENT_INSTANCE),
    ):
        for name in given:
            if name not in known:
                raise InputError(
                    f"native does not model {kind} parameter {name!r} (card {card.path}); it knows "
                    f"{', '.join(sorted(known))}. Use --backend ngspice"
                )
    _check_values(card)


def _check_values(card: ModelCard) -> None:
    positive = dict.fromkeys(("phi", "kp", "is"), card.model) | dict.fromkeys(("l", "w"), card.instance)
    for name, given in positive.items():
        if given.get(name, 1.0) <= 0.0:
            raise InputError(
                f"native needs {name!r} of card {card.path} above 0, not {given[name]:g}. Use --backend ngspice"
            )
    not_negative = dict.fromkeys(("gamma", "lambda", "rsh"), card.model) | dict.fromkeys(("nrd", "nrs"), card.instance)
    for name, given in not_negative.items():
        if given.get(name, 0.0) < 0.0:
            raise InputError(
                f"native needs {name!r} of card {card.path} not negative, not {given[name]:g}. Use --backend ngspice"
            )
    rsh_ohm = card.model.get("rsh", 0.0)
    for name in ("nrd", "nrs"):
        series_ohm = rsh_ohm * card.instance.get(name, INSTANCE_DEFAULTS[name])
        if 0.0 < series_ohm < LEAST_OHM:
            raise InputError(
                f"native does not model a series resistance as small as rsh * {name} = {series_ohm:g} ohm "
                f"(card {card.path}): 0 or at least {LEAST_OHM:g} ohm (M is milli, Meg is mega). Use --backend ngspice"
            )


def device_parameters(card: ModelCard, options: CircuitOptions) -> Device | Linked:
    """The kernels' view of one transistor and its surroundings: a Linked where a Device does not describe them.

    Raises:
        InputError: a parameter or level that is not modelled, by name.
    """
    check_card(card)
    model = {**MODEL_DEFAULTS, **card.model}
    instance = {**INSTANCE_DEFAULTS, **card.instance}
    temp_K, tnom_K = options.temp + KELVIN, options.tnom + KELVIN
    vt_V = temp_K * BOLTZMANN / CHARGE
    phi_V = _surface_potential(model["phi"], temp_K, tnom_K)
    sign = card.sign  # voltages of a PMOS are mirrored, but its band gap shrinks like any other
    vbi_V = sign * model["vto"] - model["gamma"] * math.sqrt(model["phi"]) + sign * 0.5 * (_gap(tnom_K) - _gap(temp_K))
    vbi_V += 0.5 * (phi_V - model["phi"])
    growth = math.exp(_gap(tnom_K) / (tnom_K * BOLTZMANN / CHARGE) - _gap(temp_K) / vt_V)
    isat_A = model["is"] * growth
    kp = model["kp"] / (temp_K / tnom_K) ** 1.5
    shunt_S = 1.0 / options.rshunt
    rd_ohm, rs_ohm = model["rsh"] * instance["nrd"], model["rsh"] * instance["nrs"]
    body_S = 0.0 if options.body_tie == "floating" or options.body_res == 0.0 else 1.0 / options.body_res
    device = Device(
        beta=kp * instance["w"] / instance["l"],
        lam=model["lambda"],
        vbi_V=vbi_V,
        gamma=model["gamma"],
        phi_V=phi_V,
        slope=0.5 / math.sqrt(phi_V),
        isat_A=isat_A,
        vt_V=vt_V,
        gmin_S=options.gmin,
        rd_ohm=rd_ohm,
        rs_ohm=rs_ohm,
        shunt_S=shunt_S,
        shunt_d_S=shunt_S if rd_ohm > 0.0 else 0.0,  # without a resistance there is no internal node
        shunt_s_S=shunt_S if rs_ohm > 0.0 else 0.0,
        body_S=body_S,
        tie_S=body_S if options.body_tie == "source" else 0.0,
        floating=float(options.body_tie == "floating"),
        log_alpha=math.log(isat_A / ((2.0 * options.gmin + shunt_S) * vt_V)),
    )
    direct = options.body_res == 0.0 and options.body_tie != "floating"
    plain = options.body_tie != "drain" and options.gate_ref == "ground" and sign > 0.0 and not direct
    return device if plain else _linked(device, options, sign)


def _linked(device: Device, options: CircuitOptions, sign: float) -> Linked:
    """The same transistor with its body and gate source where the options want them, of type NMOS (sign 1) or PMOS."""
    floats, tie, gate = options.body_tie == "floating", options.body_tie, options.gate_ref
    direct = options.body_res == 0.0 and not floats
    if direct and gate == "body":
        gate = tie  # which is the body's node
    own = float(not direct)
    body_ohm = 1.0 if floats else options.body_res
    draws_S = device.shunt_S * float(gate == "body")
    leak_S = 2.0 * device.gmin_S + own * device.shunt_S + draws_S
    ohm_d, ohm_s = (max(LEAST_OHM, ohm + (0.0 if floats else body_ohm)) for ohm in (device.rd_ohm, device.rs_ohm))
    shared = {name: value for name, value in device._asdict().items() if name in Linked._fields}
    shared["log_alpha"] = math.log(device.isat_A / (leak_S * device.vt_V))
    return Linked(
        **shared,
        held=float(not floats),
        body_ohm=body_ohm,
        shunt_b_S=own * device.shunt_S,
        on_D=float(tie == "drain"),
        on_S=float(tie == "source"),
        gate_D=float(gate == "drain"),
        gate_S=float(gate == "source"),
        gate_b=float(gate == "body"),
        pull=1.0,
        bend=2.0 + float(floats) * (FLOATING_GATE_BEND if gate == "body" else FLOATING_BEND),
        ohm_d=ohm_d,
        ohm_s=ohm_s,
        log_d=math.log(device.isat_A * ohm_d / device.vt_V),
        log_s=math.log(device.isat_A * ohm_s / device.vt_V),
        sign=sign,
    )


def _gap(temperature_K: float) -> float:
    """Energy gap of silicon in V."""
    return 1.16 - 7.02e-4 * temperature_K**2 / (temperature_K + 1108.0)


def _surface_potential(phi_V: float, temp_K: float, tnom_K: float) -> float:
    """phi at TEMP, from phi at TNOM by way of 300.15 K."""
    at_reference = (phi_V - _phi_shift(tnom_K)) / (tnom_K / REFERENCE_K)
    return temp_K / REFERENCE_K * at_reference + _phi_shift(temp_K)


def _phi_shift(temperature_K: float) -> float:
    kt = BOLTZMANN * temperature_K
    arg = -_gap(temperature_K) / (2.0 * kt / CHARGE) + 1.1150877 / (2.0 * BOLTZMANN * REFERENCE_K / CHARGE)
    return -2.0 * kt / CHARGE * (1.5 * math.log(temperature_K / REFERENCE_K) + arg)
