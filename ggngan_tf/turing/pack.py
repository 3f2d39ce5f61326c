"""Makes a blinded pack: a study for the web reader, DICOM series, PNGs, and the key beside it."""

import dataclasses
import os
import pathlib
import secrets

import numpy as np
import pydantic

from ggngan_tf import errors, files
from ggngan_tf.data import dicom, nodules
from ggngan_tf.turing import blinding, documents, draw, sheet, sources
from ggngan_tf.turing import design as design_

IMAGES = "images.npy"
_MIDNIGHT = 946684800  # 2000-01-01; every file of a pack has this time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Packed:
    """What was made.

    Attributes:
        folder: The blinded pack.
        key: The key's file.
        study: What the pack says.
        audit: What is left to tell the classes apart by, outside the nodules.
    """

    folder: pathlib.Path
    key: pathlib.Path
    study: documents.Study
    audit: blinding.Audit


def settings(**options) -> design_.Design:
    """Returns a design from options.

    Raises:
        ReadingError: They do not go together.
    """
    try:
        return design_.Design(**options)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "design"
        raise errors.ReadingError(
            f"{place}: {first['msg'].removeprefix('Value error, ')}"
        ) from None


def pack(
    real: pathlib.Path,
    synthetic: pathlib.Path,
    out: pathlib.Path,
    design: design_.Design,
    *,
    key: pathlib.Path | None = None,
    rule: nodules.Rule = "mean",
    side: int | None = None,
    seed: int | None = None,
    title: str = "Visual Turing test",
    series: bool = True,
    force: bool = False,
) -> Packed:
    """Draws cases, blinds them and writes the pack and its key.

    Args:
        real: A `NoduleSet` or DICOM.
        synthetic: Likewise, marked synthetic by its generator.
        out: Folder of the blinded pack.
        design: Settings of the study.
        key: The key's file; `out` with `.key.json` if None.
        rule: Which nodules of the real set are ground glass; synthetic ones are taken as they are.
        side: Pixels around each nodule to show; None as `blinding.field` says.
        seed: Of all draws; None draws one at random, so that nobody can repeat them.
        title: Shown to readers.
        series: Write DICOM series and PNGs for reading elsewhere, too.
        force: Replace what is there.

    Raises:
        ReadingError: The sources do not give such a study.
        NoduleSetError, DicomError: A source cannot be read.
        OutputError: `out` or `key` is taken, or cannot be written.
    """
    key = key or out.with_name(f"{out.name}.key.json")
    if out.resolve() in (key.resolve(), *key.resolve().parents):
        raise errors.ReadingError(f"{key}: lies inside the pack {out}; keep the key elsewhere.")
    for path in (out, key):
        files.check_new(path, force)
    seed = secrets.randbits(62) if seed is None else seed
    random = np.random.default_rng(seed)
    pools = sources.read(real, rule), sources.read(synthetic)
    _check_marks(*pools)
    side = blinding.field(pools[0].cases + pools[1].cases, side)
    chosen, is_real = _choose(pools, design, side, random)
    training = _training(is_real, design, random)
    images = np.stack(_same_shape([blinding.cut(case, side) for case in chosen]))
    audit = blinding.audit(chosen, images, side, is_real)
    names = _names(len(chosen), random)
    secret = _key(chosen, names, is_real, pools, seed, audit)
    study = _study(chosen, names, is_real, training, images, side, design, title, secret, random)
    with files.atomic_folder(out) as folder:
        _write(folder, study, images, series, seed)
    files.write_text(key, documents.text(secret))
    key.chmod(0o600)
    return Packed(folder=out, key=key, study=study, audit=audit)


def _check_marks(real, synthetic):
    for source, needed in ((real, False), (synthetic, True)):
        if source.synthetic != needed:
            found, other = ("is", "real") if source.synthetic else ("is not", "synthetic")
            raise errors.ReadingError(
                f"{source.path}: {found} marked synthetic; give a set of {other} nodules here."
            )


def _choose(pools, design, side, random):
    """Returns the cases in random order and which are real."""
    fitting = [[c for c in pool.cases if blinding.fits(c, side)] for pool in pools]
    wanted = design.real + design.training, design.synthetic + design.training
    drawn = draw.draw(*fitting, wanted, random, stratify=design.stratify)
    cases = [*drawn[0], *drawn[1]]
    order = random.permutation(len(cases))
    return [cases[i] for i in order], order < len(drawn[0])


def _training(is_real, design, random):
    """Returns which cases are for training, bool `(case,)`."""
    chosen = np.zeros(len(is_real), bool)
    for members in (np.flatnonzero(is_real), np.flatnonzero(~is_real)):
        chosen[random.permutation(members)[: design.training]] = True
    return chosen


def _same_shape(images):
    shapes = {image.shape for image in images}
    if len(shapes) > 1:
        raise errors.ReadingError(f"slices come in {len(shapes)} sizes; show a part: --field 64.")
    return images


def _names(count, random):
    """Returns distinct names of 8 hexadecimal digits."""
    numbers = random.choice(2**32, size=count, replace=False)
    return [f"{n:08x}" for n in numbers]


def _key(cases, names, is_real, pools, seed, audit):
    answers = {
        name: documents.Answer(
            truth="real" if real else "synthetic",
            diameter_mm=case.diameter_mm if np.isfinite(case.diameter_mm) else None,
            **{k: getattr(case, k) for k in ("origin", "row", "nodule_id", "patient")},
            **{k: getattr(case, k) for k in ("pixel_spacing", "centre")},
        )
        for name, case, real in zip(names, cases, is_real, strict=True)
    }
    return documents.Key(
        study_id=secrets.token_hex(8),
        salt=secrets.token_hex(32),
        seed=seed,
        cases=answers,
        sources={"real": pools[0].provenance, "synthetic": pools[1].provenance},
        audit=dataclasses.asdict(audit),
    )


def _study(cases, names, is_real, training, images, side, design, title, key, random):
    slots = [
        {"case": name, "image": i, "centre": blinding.shown_centre(case, side)}
        for i, (name, case) in enumerate(zip(names, cases, strict=True))
    ]
    if not design.marker:
        slots = [slot | {"centre": None} for slot in slots]
    scored = [i for i in range(len(cases)) if not training[i]]
    learn = [
        slots[i] | {"truth": "real" if is_real[i] else "synthetic"}
        for i in np.flatnonzero(training)
    ]
    return documents.Study(
        study_id=key.study_id,
        title=title,
        design=design,
        pixel_spacing=round(float(np.median([c.pixel_spacing for c in cases])), 3),
        shape=images.shape[1:],
        cases=[slots[i] for i in scored],
        training=learn,
        batches=_batches([names[i] for i in scored], [cases[i] for i in scored], design, random),
        commitment=documents.commitment(key),
    )


def _batches(names, cases, design, random):
    strata = draw.strata(cases) if design.stratify else np.zeros(len(cases), int)
    batch = design_.deal(strata, design.batches, random)
    orders = []
    for number in range(design.batches):
        members = [name for name, b in zip(names, batch, strict=True) if b == number]
        repeated = [members[i] for i in random.permutation(len(members))[: design.repeats]]
        orders.append(documents.Batch(order=design_.order(members, repeated, random)))
    return orders


def _write(folder, study, images, series, seed):
    (folder / "study.json").write_text(documents.text(study), encoding="utf-8")
    np.save(folder / IMAGES, images, allow_pickle=False)
    if series:
        by_name = {slot.case: images[slot.image] for slot in study.cases}
        for number, batch in enumerate(study.batches, start=1):
            stack = np.stack([by_name[case] for case in batch.order])
            _write_batch(folder / f"batch-{number}", stack, study, seed + number)
        sheet.write_blank(folder / "answers.csv", study)
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (_MIDNIGHT, _MIDNIGHT))


def _write_batch(folder, stack, study, seed):
    dicom.new_series(
        stack,
        (study.pixel_spacing, study.pixel_spacing),
        1.0,
        folder / "dicom",
        seed=seed,
        patient_id=f"{study.study_id}-{folder.name}",
        manufacturer="",
        description=f"{study.title}: {folder.name}",
        kernel="",
        blinded=True,
    )
    sheet.write_pngs(folder / "png", stack, study.design)
