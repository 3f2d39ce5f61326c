"""The main job on a drawn scan: nothing to download, every file to look at."""

import csv
import pathlib

from ggngan_tf import files, report
from ggngan_tf.data import dicom, nodules, phantom
from ggngan_tf.synthesis import insert, preview, repaint, saved


def run(out: pathlib.Path, seed: int, count: int = 4, force: bool = False) -> pathlib.Path:
    """Draws a scan, paints nodules into it with the shipped generator and writes a report.

    Args:
        out: Gets `scan/` (DICOM), `nodules.h5` (the scan's own nodules, prepared), `repainted.h5`
            (the same, painted anew), `synthetic/` (as `ggngan generate` writes it), `report.html`.
        seed: Of the scan and the nodules.
        count: Nodules to insert.
        force: Replace what `out` holds.

    Returns:
        The report's path.

    Raises:
        OutputError: `out` is taken, or cannot be written.
    """
    files.check_new(out, force)
    model = saved.load()
    with files.atomic_folder(out) as folder:
        drawn = phantom.make(seed)
        phantom.write(drawn, folder / "scan", seed)
        own = phantom.nodule_set(drawn)
        nodules.write(own, folder / "nodules.h5")
        again = repaint.repaint(own, model, seed)
        nodules.write(again, folder / "repainted.h5")
        made = _insert(folder, model, count, seed)
        page = _page(own, again, made, model, folder / "synthetic" / "manifest.csv")
        files.write_text(folder / "report.html", page)
    return out / "report.html"


def _insert(folder, model, count, seed):
    series = dicom.read_series(folder / "scan")
    lung = insert.find_lung(series)
    places = insert.choose_sites(series, lung, count, None, None, seed)
    made = insert.insert(series, lung, places, model, seed)
    insert.write(series, made, folder / "synthetic", seed)
    return made


def _page(own, again, made, model, manifest):
    sections = [
        report.Section("Inserted into healthy lung", [*_inserted(made), _table(manifest)]),
        report.Section("Painted anew where a nodule was", [_repainted(own, again)]),
        report.Section("How it was made", [_sources(model)]),
    ]
    subtitle = "A drawn chest scan (a phantom, no patient) and synthetic ground glass nodules"
    return report.page("ggngan demo", sections, subtitle)


def _inserted(made):
    first = made[0]
    whole = report.picture(first.after, outline=first.painted)
    pictures, captions = [], []
    for number, nodule in enumerate(made, start=1):
        box = preview.around((nodule.site.row, nodule.site.column), nodule.after.shape)
        pictures += [report.picture(i[box], zoom=4) for i in (nodule.before, nodule.after)]
        captions += [f"{number}: before", f"{number}: synthetic, {nodule.site.diameter_mm:.0f} mm"]
    return [
        report.Text("Research use only. Every nodule on this page was painted.", "warning"),
        report.Figure(whole, "Nodule 1 in its slice, in lung window.", "CT slice with a nodule"),
        report.Gallery(pictures, captions, "64 x 64 pixels around each.", columns=4, width=256),
    ]


def _repainted(own, again):
    pictures, captions = [], []
    for row in range(len(own)):
        box = preview.around(own.roi_centre[row], own.image.shape[1:])
        pictures += [report.picture(s.image[row][box], zoom=4) for s in (own, again)]
        captions += [f"{row + 1}: drawn", f"{row + 1}: synthetic"]
    what = "The phantom's own nodules, erased and painted anew in their surroundings."
    return report.Gallery(pictures, captions, what, columns=4, width=256)


def _table(manifest):
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return report.Table(rows[0], rows[1:], "synthetic/manifest.csv")


def _sources(model):
    rows = [
        ["generator", f"{model.folder.parent.name}/{model.folder.name}"],
        ["its manifest's SHA-256", model.sha256],
        ["window", f"{model.settings.data.window} HU"],
        ["erased", f"{model.settings.erase.shape}, {model.settings.erase.dilation} pixels around"],
    ]
    return report.Table(["what", "value"], rows)
