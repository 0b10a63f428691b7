"""Train one of `golden.NAMES` in the current, empty folder: python one_run.py NAME FILE writes its digest to FILE."""

import json
import sys
from pathlib import Path

import golden

from common.kernels.jit import PLAIN

if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps({"plain": PLAIN, "digest": golden.train(sys.argv[1])}))
