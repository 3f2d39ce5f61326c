"""Scripts are no package: their folder goes onto the path, as it is when one of them runs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "benchmarks"))
