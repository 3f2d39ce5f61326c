"""`ggngan vtt`: pack, serve, score, plan and simulate a visual Turing test."""

import pathlib

import click

from ggngan_tf.cli import options

_key = click.option(
    "--key", type=options.FILE, required=True, help="The key that `vtt pack` wrote."
)
_database = click.option(
    "--database",
    metavar="URL",
    help="SQLAlchemy address, postgresql+psycopg://...; PACK.sqlite beside the pack if not given.",
)
_auc = click.option("--auc", default=0.7, show_default=True, help="Expected area of the readers.")
_reader_sd = click.option(
    "--reader-sd", default=0.3, show_default=True, help="How much readers differ; 0: not at all."
)


@click.group()
def vtt() -> None:
    """The visual Turing test: can readers tell real from synthetic nodules?"""


@vtt.command()
@click.argument("real", type=options.ANY)
@click.argument("synthetic", type=options.ANY)
@options.out
@click.option("--key", type=options.NEW, help="Key's file; OUT.key.json if not given.")
@click.option("--real", "n_real", default=50, show_default=True, help="Real cases.")
@click.option("--synthetic", "n_synthetic", default=50, show_default=True, help="Synthetic cases.")
@click.option("--batches", default=4, show_default=True, help="Parts of equal size.")
@click.option(
    "--layout",
    type=click.Choice(["split", "crossed"]),
    default="split",
    show_default=True,
    help="split: each reader reads one batch, as in the paper; crossed: each reads all.",
)
@click.option("--readers", default=4, show_default=True, help="How many people read.")
@click.option("--repeats", default=0, show_default=True, help="Cases of each batch read twice.")
@click.option("--training", default=0, show_default=True, help="Practice cases of each class.")
@click.option("--stratify", is_flag=True, help="One distribution of sizes everywhere.")
@click.option("--marker", is_flag=True, help="Show where to look.")
@click.option("--location/--no-location", default=True, help="Let readers mark what they saw.")
@click.option("--comments/--no-comments", default=True, help="Let readers write remarks.")
@click.option("--revise/--no-revise", default=True, help="Let readers change answers.")
@click.option("--centre", default=-600.0, show_default=True, help="Window centre, HU.")
@click.option("--width", default=1500.0, show_default=True, help="Window width, HU.")
@click.option("--field", "side", type=click.IntRange(16), help="Pixels around a nodule to show.")
@click.option("--title", default="Visual Turing test", help="What readers see.")
@click.option(
    "--seed", type=click.IntRange(0, 2**62), help="Of all draws; secret and random if not given."
)
@click.option("--series/--no-series", default=True, help="Write DICOM and PNGs, too.")
@options.rule
@options.force
@options.as_json
def pack(
    real, synthetic, out, key, n_real, n_synthetic, side, title, seed, series, rule, force,
    as_json, **design,
):  # fmt: skip
    """Pack REAL and SYNTHETIC nodules (sets or DICOM) into a blinded study.

    OUT can be handed on: nothing in it tells real from synthetic. The key is written beside it;
    keep it from everybody who reads, and from the server.
    """
    from ggngan_tf.turing import pack as pack_

    settings = pack_.settings(real=n_real, synthetic=n_synthetic, **design)
    made = pack_.pack(
        real, synthetic, out, settings, key=key, rule=rule, side=side, seed=seed, title=title,
        series=series, force=force,
    )  # fmt: skip
    audit = made.audit
    lines = [
        f"Packed {len(made.study.cases)} cases in {len(made.study.batches)} batches: {made.folder}",
        f"Key: {made.key} (SHA-256 {made.study.commitment})",
        f"All but the nodules tells real from synthetic with AUC {audit.auc:.2f} "
        f"(chance: {audit.low:.2f} to {audit.high:.2f}, p = {audit.p:.3f}).",
    ]
    if audit.p < 0.05:
        lines.append("Warning: the surroundings differ; readers may see it. Look at your sources.")
    result = {"folder": made.folder, "key": made.key, "commitment": made.study.commitment}
    options.show(result | {"audit": vars(audit)}, "\n".join(lines), as_json)


@vtt.command()
@click.argument("folder", metavar="PACK", type=options.FOLDER)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--url", help="Where readers find the server, https://..., behind a proxy.")
@click.option("--certificate", type=options.FILE, help="PEM file, to serve https.")
@click.option("--private-key", type=options.FILE, help="PEM file, to serve https.")
@click.option("--new-links", is_flag=True, help="Replace everybody's link.")
@_database
def serve(folder, host, port, url, certificate, private_key, new_links, database):
    """Serve PACK to readers' browsers.

    Personal links are written to PACK.links.csv beside the pack on first use. Every answer is on
    disk before the next case shows; stop and start the server as you like.
    """
    from ggngan_tf.turing import server

    address = server.Address(
        host=host, port=port, url=url, certificate=certificate, private_key=private_key
    )
    study, engine, links = server.open_study(folder, database)
    links = server.new_links(engine) if new_links else links
    if links:
        server.write_links(server.links_of(folder), address.public, links)
    app = server.application(folder, study, engine, address.public)
    click.echo(f"{study.title}: {address.public}, links in {server.links_of(folder)}")
    if address.is_exposed:
        click.echo("Warning: without https others on the network can read along.", err=True)
    server.run(app, address)


@vtt.command()
@click.argument("folder", metavar="PACK", type=options.FOLDER)
@_key
@options.out
@click.option("--answers", type=options.FILE, help="CSV or xlsx of a reading done elsewhere.")
@click.option("--classifier", type=options.FILE, help="CSV of a classifier on the same cases.")
@click.option(
    "--features",
    nargs=2,
    type=options.FILE,
    metavar="REAL.csv SYNTH.csv",
    help="Radiomics of both sets, for the paper's classifier.",
)
@_database
@options.seed
@options.force
@options.as_json
def score(folder, key, out, answers, classifier, features, database, seed, force, as_json):
    """Score the reading of PACK: results.json, readings.csv, figures and a report.

    Reads the web reader's database, or --answers: its export, or the pack's answers.csv as filled
    in. A classifier's CSV has the columns truth, nodule_id and score (higher for real); with
    --features, logistic regression on radiomics is trained out of fold.
    """
    from ggngan_tf.cli import vtt_report
    from ggngan_tf.turing import scoring

    results = scoring.score_study(
        folder, key, out, answers=answers, classifier=classifier, features=features,
        database=database, seed=seed, force=force,
    )  # fmt: skip
    vtt_report.write(out, results)
    options.show(results, scoring.headline(results) + f"\nReport: {out / 'report.html'}", as_json)


@vtt.command()
@click.option("--readers", default="2,4,6,8,10", show_default=True, help="Numbers to try.")
@click.option("--interval", type=float, help="Wanted width of the 95% interval of the AUC.")
@click.option("--power", type=float, help="Wanted chance to tell the AUC from --against.")
@click.option("--against", default=0.5, show_default=True, help="See --power.")
@click.option(
    "--layout", type=click.Choice(["split", "crossed"]), default="crossed", show_default=True
)
@click.option("--rounds", default=200, show_default=True, help="Simulated studies a design.")
@_auc
@_reader_sd
@options.seed
@options.as_json
def plan(readers, interval, power, against, layout, rounds, auc, reader_sd, seed, as_json):
    """Plan a study: the fewest cases for each number of readers, by simulation."""
    from ggngan_tf.turing import plan as plan_
    from ggngan_tf.turing import simulate as simulate_

    try:
        numbers = [int(n) for n in readers.split(",")]
    except ValueError as error:
        raise click.BadParameter("give numbers such as 2,4,6", param_hint="--readers") from error
    goal = plan_.Goal(width=interval, power=power, against=against)
    skill = simulate_.Skill(auc=auc, reader_sd=reader_sd)
    rows = plan_.plan(goal, numbers, skill, layout=layout, rounds=rounds, seed=seed)
    lines = ["readers  cases of each class  read by each  interval  power  coverage"]
    for row in rows:
        cases = row["cases"] or f"over {plan_.MOST_CASES}"
        lines.append(
            f"{row['readers']:7}  {cases:>19}  {row['readings']:12}  {row['width']:8.3f}"
            f"  {row['power']:5.2f}  {row['coverage']:8.2f}"
        )
    options.show({"designs": rows}, "\n".join(lines), as_json)


@vtt.command()
@click.argument("folder", metavar="PACK", type=options.FOLDER)
@_key
@options.out
@_auc
@_reader_sd
@options.seed
@options.force
def simulate(folder, key, out, auc, reader_sd, seed, force):
    """Let simulated readers read PACK, to try a study without people; OUT is a CSV of answers."""
    from ggngan_tf import files
    from ggngan_tf.turing import documents, readings
    from ggngan_tf.turing import simulate as simulate_

    files.check_new(out, force)
    study = documents.read_study(folder)
    secret = documents.read_key(key, study.study_id, study.commitment)
    skill = simulate_.Skill(auc=auc, reader_sd=reader_sd)
    table = simulate_.read_study(study, secret, skill, seed=seed)
    readings.write(table, out)
    click.echo(f"{len(table)} readings by {study.design.readers} simulated readers: {out}")


@vtt.command()
@click.argument("folder", metavar="PACK", type=options.FOLDER)
@options.out
@_database
@options.force
def backup(folder, out, database, force):
    """Copy the SQLite database of PACK while it is in use; OUT is a new file."""
    from ggngan_tf.turing import server

    server.back_up(folder, database, pathlib.Path(out), force)
    click.echo(f"Saved {out}")
