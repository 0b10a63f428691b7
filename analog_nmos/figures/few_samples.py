"""Tasks of a few samples whose score is compared with levels: what names their rows and lines."""

from __future__ import annotations

from analog_nmos.figures.confusion import LONGEST, shorten
from analog_nmos.figures.run_files import OtherKind, RunFiles
from analog_nmos.figures.validated import Validated, validated

MOST = 16  # samples: the table of four bits
MOST_INPUTS = 4  # whose voltages name a sample; else it has a number
SMALL = 18  # letters that two columns of a legend, or a table of the single width, have room for


def few_samples(run: RunFiles) -> Validated:
    """The samples that were validated.

    Raises:
        OtherKind: their score is not compared with levels, or there are too many.
    """
    if not run.readout.is_levels:
        raise OtherKind("its answers are not those of levels that a score is compared with")
    samples = validated(run)
    if len(samples.y) > MOST:
        raise OtherKind(f"{len(samples.y)} {run.validated_on}: tables are for {MOST} at most")
    return samples


def sample_names(samples: Validated) -> tuple[str, list[str]]:
    """What samples are called by, and the name of each: their input voltages, or numbers where these are many."""
    if samples.x_V.shape[1] > MOST_INPUTS:
        return "sample", [str(k) for k in range(len(samples.y))]
    return "inputs (V)", [", ".join(f"{value:.3g}" for value in row) for row in samples.x_V]


def level_names(run: RunFiles) -> list[str]:
    """Names of the classes, in the order of their levels."""
    return [shorten(name, LONGEST) for name in run.class_names(len(run.readout.levels_V))]
