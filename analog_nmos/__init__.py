"""Networks of NMOS transistors that learn by coupled learning, in ngspice or natively."""
