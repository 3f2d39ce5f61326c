"""What the judges said, as text for a screen."""


def text(found: dict) -> str:
    """Returns the figures that one steers by, a screen of them."""
    sizes, equals, ratio = (found[k] for k in ("sizes", "real_vs_real", "over_real_vs_real"))
    lines = [
        f"{sizes['real']} real against {sizes['synthetic']} synthetic, {sizes['seeds']} seeds; "
        f"real against real: {equals['sizes'][0]} against {equals['sizes'][1]}",
        f"{'':24}{'synthetic':>10}  {'':22}{'real-real':>10}",
    ]

    def line(name, value, interval, equal, form=".2f"):
        low, high = interval
        span = f"({low:{form}} to {high:{form}})"
        lines.append(
            f"{name:24}{value:10{form}}  {span:22}{equal['mean']:10{form}} "
            f"({equal['low']:{form}} to {equal['high']:{form}})"
        )

    one = found["not_significant"]
    line(
        "features p >= 0.05",
        one["mean"],
        (one["low"], one["high"]),
        equals["not_significant"],
        ".0f",
    )
    for name in ("logistic", "boosting"):
        line(f"{name} AUC", found[name]["auc"], found[name]["auc_ci"], equals[f"auc_{name}"])
    for name in ("mean_ks", "frd"):
        one = found[name]
        line(name, one["mean"], (one["low"], one["high"]), equals[name])
    pooled = found["pooled"]
    lines += [
        f"over real-real: mean KS {ratio['mean_ks']['mean']:.2f}, "
        f"Fréchet {ratio['frd']['mean']:.2f}",
        f"all seeds as one, {pooled['sizes'][0]} against {pooled['sizes'][1]}: "
        + ", ".join(f"{n} {pooled[n]['auc']:.2f}" for n in ("logistic", "boosting"))
        + f", mean KS {pooled['over_real_vs_real']['mean_ks']:.2f}"
        + f", Fréchet {pooled['over_real_vs_real']['frd']:.2f} of real-real",
        f"seam AUC {found['seam']['auc']:.2f} ({found['seam']['worst']}; each seed "
        + ", ".join(f"{area:.2f}" for area in found["seam"]["each"])
        + ")",
    ]
    if "cnn" in found:
        low, high = found["cnn"]["auc_ci"]
        lines.append(f"network AUC {found['cnn']['auc']:.2f} ({low:.2f} to {high:.2f})")
    lines += [
        f"HU, {kind}: mean {one['mean']:.0f}, sd inside {one['sd_inside']:.0f}, "
        f"sd between nodules {one['sd_between']:.0f}"
        for kind, one in found["hu"].items()
    ]
    lines.append(f"{'worst features':44}{'KS':>6}{'real':>12}{'synthetic':>12}")
    lines += [
        f"{row['feature']:44}{row['ks']:6.2f}{row['real_median']:12.4g}"
        f"{row['synthetic_median']:12.4g}"
        for row in found["worst"]
    ]
    return "\n".join(lines)
