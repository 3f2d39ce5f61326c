"""One update of the generator and both discriminators: Fig. 1 and Eq. 1 to 3."""

import tensorflow as tf

from ggngan_tf import config, inpainting, losses, radiomic_loss
from ggngan_tf.data import conditions
from ggngan_tf.models import discriminator
from ggngan_tf.training import painting, players

Terms = dict[str, tf.Tensor]
_AGAIN = 2**30  # added to a step's number for the noise of the second painting
# Half of what two real nodules differ by in mean HU, its deviation, skewness, (logarithm of)
# kurtosis, correlation, structure and edge; ours.
_UNITS = (70.0, 35.0, 0.3, 0.2, 0.12, 0.09, 24.0)


class Trainer:
    """Updates three networks together; `step` is one update of each, on every device at once."""

    def __init__(self, settings: config.Config, strategy: tf.distribute.Strategy | None = None):
        self.settings = settings
        self.strategy = strategy or tf.distribute.get_strategy()
        with self.strategy.scope():
            synchronized = self.strategy.num_replicas_in_sync > 1
            self.networks = players.make_networks(settings, synchronized)
            models = (self.networks.generator, self.networks.whole, self.networks.roi)
            optimizers = players.make_optimizers(settings, self.networks)
        self.players = list(zip(models, optimizers, strict=True))
        compiled = settings.training.compiled and self.strategy.num_replicas_in_sync == 1
        # Nothing in a step branches on a tensor, and so it needs no AutoGraph.
        self._step = tf.function(
            self._whole_step, autograph=False, reduce_retracing=True, jit_compile=compiled or None
        )

    def set_learning_rates(self, number: int = 0) -> None:
        """Gives each side the learning rate that the settings name for step `number`."""
        rates = players.learning_rates(self.settings, number)
        for (_, optimizer), rate in zip(self.players, rates, strict=True):
            optimizer.learning_rate = rate

    def step(self, batch: dict[str, tf.Tensor], number: tf.Tensor, frozen: bool = False) -> Terms:
        """Updates all networks once and returns the losses by name, float32 scalars.

        A loss or gradient that is NaN or infinite changes nothing but float16's loss scale:
        `skipped` is then 1 and not 0.

        Args:
            batch: As `data.pipeline.batches` gives it, for each device its share.
            number: int32, the step's number; the noise follows from it and the seed.
            frozen: Whether the generator's batch normalisation uses its moving statistics.
        """
        return self._step(batch, number, frozen)

    def _whole_step(self, batch, number, frozen):
        before = [(v.value, tf.identity(v.value)) for v in self._touched_by_looking()]
        found = self.strategy.run(self._look, (batch, number, frozen))
        gradients, terms, bad = found
        terms = {name: self._one(value) for name, value in terms.items()}
        bad = self._one(bad)
        finite = tf.reduce_all(tf.equal(bad, 0.0))
        tf.cond(finite, lambda: self._advance(gradients, number), lambda: self._undo(before, bad))
        return terms | {"skipped": 1.0 - tf.cast(finite, tf.float32)}

    def _look(self, batch, number, frozen):
        """Returns gradients, losses, and for each player whether something was not finite."""
        with tf.GradientTape(persistent=True) as tape:
            fake, terms = self._painted(batch, number, frozen)
            terms |= self._terms(fake, batch) | self._likeness(fake, batch)
            costs = totals(terms, self.settings.loss)
            shared = [cost / self.strategy.num_replicas_in_sync for cost in costs]
            pairs = zip(self.players, shared, strict=True)
            scaled = [optimizer.scale_loss(cost) for (_, optimizer), cost in pairs]
        gradients = [
            tape.gradient(cost, model.trainable_variables)
            for (model, _), cost in zip(self.players, scaled, strict=True)
        ]
        # A norm is finite only where each of its terms is.
        norms = tf.stack([tf.linalg.global_norm(part) for part in gradients])
        bad = tf.cast(~(tf.math.is_finite(norms) & tf.math.is_finite(tf.stack(costs))), tf.float32)
        context = tf.distribute.get_replica_context()
        mean, total = tf.distribute.ReduceOp.MEAN, tf.distribute.ReduceOp.SUM
        return gradients, context.all_reduce(mean, terms), context.all_reduce(total, bad)

    def _painted(self, batch, number, frozen):
        """Returns the batch painted, and how far a second painting falls short of another one."""
        painter, training = self.networks.generator, not frozen
        if not self.settings.loss.diversity:
            return painting.paint(painter, batch, self.settings, number, training), {}
        # Every other nodule again says as much as all, and is the same on one device and on two.
        again = {name: values[::2] for name, values in batch.items()}
        both = {name: tf.concat([batch[name], again[name]], 0) for name in batch}
        noises = [
            painting.noise(part["hole"], self.settings, turn)
            for part, turn in ((batch, number), (again, number + _AGAIN))
        ]
        drawn = tf.concat(noises, 0)
        painted = painting.paint(painter, both, self.settings, number, training, drawn)
        count = tf.shape(batch["hole"])[0]
        fake, other = painted[:count], painted[count:]
        low, high = self.settings.data.window
        apart = (fake[::2] - other) * (high - low)
        inside = again["mask"] * again["hole"]
        spread = again["conditions"][:, conditions.NAMES.index("spread")]
        return fake, {"diversity": losses.diversity_loss(apart, inside, spread)}

    def _terms(self, fake, batch):
        """Returns the generator's four terms and each discriminator's loss, from one pass."""
        real, hole, centre = batch["target"], batch["hole"], batch["centre"]
        size = self.settings.erase.roi_size
        origin = inpainting.window_origin(centre, size, tuple(real.shape[1:3]))
        cuts = [inpainting.crop(image, origin, size, size) for image in (fake, real, hole)]
        views = {"whole": (fake, real, hole), "roi": cuts}
        terms = {}
        for name, (painted, target, region) in views.items():
            terms[f"{name}_ssim"] = self._ssim(name, painted, target, batch)
            terms |= self._judged(name, painted, target, region, batch["conditions"])
        return terms

    def _likeness(self, fake, batch):
        """Returns how far the painted nodules are from what was asked and from the real ones."""
        low, high = self.settings.data.window
        reach, weights, terms = high - low, self.settings.loss, {}
        asked, mask = batch["conditions"], batch["mask"] * batch["hole"]
        if weights.distribution:
            found = conditions.distribution(fake * reach + low, mask)
            pairs = zip(*(_comparable(one) for one in (asked[:, 2:], found)), strict=True)
            terms["distribution"] = tf.add_n([losses.absolute_loss(*pair) for pair in pairs])
        if weights.radiomic:
            also = conditions.scaled(asked)
            measured = [
                tf.concat([radiomic_loss.features(image, mask, batch["hole"], reach), also], 1)
                for image in (batch["target"], fake)
            ]
            # Of all devices together: their batches are one, and one image has no distribution.
            gather = tf.distribute.get_replica_context().all_gather
            terms["radiomic"] = radiomic_loss.loss(*(gather(part, axis=0) for part in measured))
        return terms

    def _ssim(self, name, painted, target, batch):
        if name == "roi" or not self.settings.training.paste:
            return losses.ssim_loss(target, painted)
        origin = painting.region_origin(batch, self.settings)
        return losses.pasted_ssim_loss(target, painted, origin, self.settings.region)

    def _judged(self, name, painted, target, region, asked):
        judge, stability = getattr(self.networks, name), self.settings.stability
        settings = getattr(self.settings, name)
        fake, real = (
            discriminator.views(image, region, conditions.scaled(asked), settings)
            for image in (painted, target)
        )
        hole = region if settings.hole_pooling else None
        fake_logits = judge(fake, hole, training=True)
        real_logits, penalty = _real(judge, real, hole, stability.r1)
        game = losses.GAMES[stability.objective]
        cost = game.discriminator(real_logits, fake_logits)
        return {
            f"{name}_adversarial": game.generator(real_logits, fake_logits),
            f"{name}_discriminator": cost + penalty,
        }

    def _touched_by_looking(self):
        """Returns what the forward pass changes: moving statistics, normalised kernels."""
        changed = [v for model, _ in self.players for v in model.non_trainable_variables]
        if self.settings.stability.spectral_normalisation:  # Keras' layer overwrites its kernel
            changed += [v for model, _ in self.players[1:] for v in model.trainable_variables]
        return changed

    def _advance(self, gradients, number):
        for (model, optimizer), part in zip(self.players, gradients, strict=True):
            self.strategy.run(optimizer.apply, (part, model.trainable_variables))
        self._average(number)

    def _undo(self, before, bad):
        for variable, value in before:
            variable.assign(value)
        for position, (_, optimizer) in enumerate(self.players):
            if hasattr(optimizer, "dynamic_scale"):
                fine = tf.equal(bad[position], 0.0)
                scale, counter = optimizer.dynamic_scale, optimizer.step_counter
                scale.assign(tf.where(fine, 1.0, 0.5) * scale)
                counter.assign(tf.cast(fine, counter.dtype) * counter)

    def _average(self, number):
        """Moves the average a little; in its first steps more, since it starts from chance."""
        done = tf.cast(number, tf.float32)
        keep = tf.minimum(self.settings.training.averaging, (1.0 + done) / (10.0 + done))
        pairs = zip(self.networks.average.variables, self.networks.generator.variables, strict=True)
        for average, current in pairs:
            average.assign(keep * average + (1.0 - keep) * tf.cast(current, average.dtype))

    def _one(self, value):
        return self.strategy.experimental_local_results(value)[0]


def _comparable(distribution):
    """Returns what was asked or found `(batch, 7)` as seven columns in units that weigh alike."""
    density, spread, skewness, kurtosis, *rest = tf.unstack(distribution, axis=1)
    columns = (density, spread, skewness, tf.math.log(kurtosis + 1e-3), *rest)
    return [column / unit for column, unit in zip(columns, _UNITS, strict=True)]


def _real(judge, seen, hole, r1):
    """Returns the logits of real images, and their R1 penalty."""
    if not r1:
        return judge(seen, hole, training=True), 0.0
    with tf.GradientTape() as tape:
        tape.watch(seen)
        logits = judge(seen, hole, training=True)
        total = tf.reduce_sum(logits)
    return logits, losses.r1_penalty(tape.gradient(total, seen), r1)


def totals(terms: Terms, weights: config.Loss) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns what generator, whole-image and ROI discriminator minimise (Eq. 1)."""
    own = [name for name in config.Loss.model_fields if name in terms]
    generator_loss = tf.add_n([getattr(weights, name) * terms[name] for name in own])
    return generator_loss, terms["whole_discriminator"], terms["roi_discriminator"]
