"""Remove all model files of the model folder (`psa-clean-all`)."""

from __future__ import annotations

from collections.abc import Sequence

from common.cli import Parser, run_command
from psa_resmlp.scripts.clean import MODEL_FILES, add_common, default_model_dir, remove_all

DESCRIPTION = f"""\
As psa-clean --all: remove every model file ({", ".join(MODEL_FILES)}) of the model folder, after a
list of them with sizes; with --recursive also of the folders below it, after a question on a terminal. Other files
stay.

examples: psa-clean-all --dry-run
          psa-clean-all --recursive
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-clean-all`; see DESCRIPTION."""
    parser = Parser(prog="psa-clean-all", description=DESCRIPTION)
    add_common(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        folder = arguments.model_dir or default_model_dir()
        return remove_all(folder, recursive=arguments.recursive, dry_run=arguments.dry_run)

    return run_command("psa-clean-all", work)
