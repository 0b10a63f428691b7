"""How a command can fail; `common.cli` turns these exceptions into a line on stderr and an exit code."""


class InputError(ValueError):
    """The user asked for something that is impossible: raised before any work starts.

    The message is one line that says what is wrong and what is allowed, for example
    ``epochs is -1, allowed: 1 or more``. Commands print ``error: <message>`` and exit with 2.
    """


class RunError(RuntimeError):
    """A run that started properly has failed, for example through a non-finite loss.

    The message is one line that names the quantity and the step. Commands print ``error: <message>``
    and exit with 1.
    """


class Interrupted(Exception):
    """A signal asked the run to stop; what was complete is on disk. The exit code is 128 + the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
