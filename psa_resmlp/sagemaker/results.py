"""Results of one job: written in the container, read from the archives that SageMaker makes of its folders.

comprehensive_results.json is a list with an entry for every trial. It has the published program's keys
(best_validation_accuracy, best_validation_epoch, final_test_accuracy, bounty) and ours (trial, mode, seed, family,
architecture, meta_loops, chain). results.txt, of older jobs of the published program, has one bounty per line.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from common.runs import load_run
from psa_resmlp.sagemaker.names import Cell
from psa_resmlp.study.architectures import parse
from psa_resmlp.study.chain import described, is_chained
from psa_resmlp.tables.study import Trial

RESULTS, OLD_RESULTS = "comprehensive_results.json", "results.txt"
LARGEST_BYTES = 50_000_000  # limit for a file that is read from an archive
CHUNK_BYTES = 1_000_000


class Damaged(Exception):
    """An archive that cannot be read or has unexpected content; the message says why, on one line."""


def from_run(run: Path) -> list[dict[str, Any]]:
    """The results of a finished run folder of psa-train, one entry per trial."""
    record = load_run(run)
    names = {"family": record.config["family"], "architecture": record.config["arch"]}
    return [
        {
            "trial": trial["trial"],
            "best_validation_accuracy": trial["bounty_percent"],
            "best_validation_epoch": trial["bounty_loop"],
            "final_test_accuracy": trial["test_accuracy_percent"],
            "bounty": trial["bounty_percent"],
            "meta_loops": trial["meta_loops"],
            "seed": trial["seed"],
            "mode": trial["mode"],
            **names,
            "chain": record.meta.get("chain", {}).get(str(trial["trial"]), []),
        }
        for trial in record.meta["result"]["trials"]
    ]


def read_members(stream: IO[bytes], names: Iterable[str]) -> dict[str, bytes]:
    """Files of a .tar.gz by their base names. Nothing is unpacked to disk.

    Raises:
        Damaged: it is not such an archive, or is cut off.
    """
    wanted, found = set(names), {}
    try:
        # gzip and tarfile separately: tarfile's own reading of gzip does not notice that an archive is cut off.
        with gzip.GzipFile(fileobj=stream, mode="rb") as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                name = Path(member.name).name
                if member.isfile() and name in wanted and name not in found:
                    if member.size > LARGEST_BYTES:
                        raise Damaged(f"{name} has {member.size} bytes")
                    content = tar.extractfile(member)
                    assert content is not None
                    found[name] = content.read()
            while plain.read(CHUNK_BYTES):  # to the checksum at the end
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as problem:
        raise Damaged(f"not a complete archive ({' '.join(str(problem).split()) or type(problem).__name__})") from None
    return found


def trials_of(members: Mapping[str, bytes], cell: Cell, family: str) -> list[Trial]:
    """The trials in the files of `read_members`; none where there are no results.

    Raises:
        Damaged: they cannot be read, or are of another architecture, mode or family.
    """
    try:
        if RESULTS in members:
            entries = json.loads(members[RESULTS])
            return [_trial(number, entry, cell, family) for number, entry in enumerate(entries, 1)]
        lines = members.get(OLD_RESULTS, b"").decode().split()
        return [Trial(number, float(line.rstrip("%"))) for number, line in enumerate(lines, 1)]
    except Damaged:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as problem:
        raise Damaged(f"results cannot be read ({type(problem).__name__}: {problem})") from None


def _trial(number: int, entry: Mapping[str, Any], cell: Cell, family: str) -> Trial:
    wanted = {"mode": cell.mode, "family": family}
    for name, value in wanted.items():
        if entry.get(name, value) != value:
            raise Damaged(f"results are of {name} {entry[name]}, not {value}")
    if "architecture" in entry and parse(entry["architecture"]) != cell.architecture:
        raise Damaged(f"results are of architecture {entry['architecture']}, not {cell.architecture}")
    if is_chained(entry.get("chain", []), cell.mode):
        raise Damaged(f"results are of a chain of modes, {described(entry['chain'])}")
    return Trial(
        int(entry.get("trial", number)),
        float(entry["bounty"]),
        float(entry["final_test_accuracy"]) if "final_test_accuracy" in entry else None,
        int(entry["best_validation_epoch"]) if "best_validation_epoch" in entry else None,
        int(entry["meta_loops"]) if "meta_loops" in entry else None,
        int(entry["seed"]) if "seed" in entry else None,
    )
