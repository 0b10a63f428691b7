"""A process of its own with libngspice in it: a netlist (JSON) a line in, its voltages (JSON object) a line out.

Where ngspice finds none, the line says null.
"""

import json
import sys

from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError, NgSpiceShared

LIBRARY = sys.argv[1]


def solve(ngspice, netlist):
    ngspice.load_circuit(netlist)
    try:
        ngspice.exec_command("op")
    except NgSpiceCommandError:  # no convergence
        ngspice.exec_command("remcirc")
        return None
    plot = ngspice.plot(None, ngspice.last_plot)
    voltages = {
        name.lower().removeprefix("v(").rstrip(")"): float(vector.to_waveform()[0])
        for name, vector in plot.items()
        if not name.endswith("#branch")
    }
    ngspice.exec_command("destroy all")
    ngspice.exec_command("remcirc")
    return voltages


def main():
    NgSpiceShared.LIBRARY_PATH = LIBRARY
    answers, sys.stdout = sys.stdout, sys.stderr  # ngspice chats
    ngspice = NgSpiceShared.new_instance()
    for line in sys.stdin:
        print(json.dumps(solve(ngspice, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
