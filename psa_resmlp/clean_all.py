"""Remove all model files, those in folders below the model folder too (`psa-clean-all`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common.cli import Parser, run_command
from common.errors import InputError
from psa_resmlp.clean import MODEL_FILES, add_common, default_model_dir, measure, model_files, remove

DESCRIPTION = f"""\
Remove every model file ({", ".join(MODEL_FILES)}) of the model folder and of the folders below it, after a list of
them with sizes. Run folders, tables and figures stay.

example: psa-clean-all --dry-run
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-clean-all`; see DESCRIPTION."""
    parser = Parser(prog="psa-clean-all", description=DESCRIPTION)
    add_common(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        folder = arguments.model_dir or default_model_dir()
        if folder.exists() and not folder.is_dir():
            raise InputError(f"--model-dir {folder} is a file, allowed: a folder")
        return remove(measure(model_files(folder, recursive=True)), dry_run=arguments.dry_run)

    return run_command("psa-clean-all", work)


if __name__ == "__main__":
    sys.exit(main())
