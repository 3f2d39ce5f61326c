"""One update of the generator and both discriminators: Fig. 1 and Eq. 1 to 3."""

import tensorflow as tf

from ggngan_tf import config, inpainting, losses
from ggngan_tf.training import painting, players

Terms = dict[str, tf.Tensor]


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

    def set_learning_rates(self) -> None:
        """Gives each side the learning rate of the settings."""
        rates = players.learning_rates(self.settings)
        for (_, optimizer), rate in zip(self.players, rates, strict=True):
            optimizer.learning_rate = rate

    @tf.function(autograph=False, reduce_retracing=True)  # nothing here branches on a tensor
    def step(self, batch: dict[str, tf.Tensor], number: tf.Tensor) -> Terms:
        """Updates all networks once and returns the losses by name, float32 scalars.

        A loss or gradient that is NaN or infinite changes nothing but float16's loss scale:
        `skipped` is then 1 and not 0.

        Args:
            batch: As `data.pipeline.batches` gives it, for each device its share.
            number: int32, the step's number; the noise follows from it and the seed.
        """
        before = [(v.value, tf.identity(v.value)) for v in self._touched_by_looking()]
        found = self.strategy.run(self._look, (batch, number))
        gradients, terms, bad = found
        terms = {name: self._one(value) for name, value in terms.items()}
        bad = self._one(bad)
        finite = tf.reduce_all(tf.equal(bad, 0.0))
        tf.cond(finite, lambda: self._advance(gradients, number), lambda: self._undo(before, bad))
        return terms | {"skipped": 1.0 - tf.cast(finite, tf.float32)}

    def _look(self, batch, number):
        """Returns gradients, losses, and for each player whether something was not finite."""
        with tf.GradientTape(persistent=True) as tape:
            painter = self.networks.generator
            fake = painting.paint(painter, batch, self.settings, number, training=True)
            terms = self._terms(fake, batch)
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
            terms |= self._judged(name, painted, target, region)
        return terms

    def _ssim(self, name, painted, target, batch):
        if name == "roi" or not self.settings.training.paste:
            return losses.ssim_loss(target, painted)
        origin = painting.region_origin(batch, self.settings)
        return losses.pasted_ssim_loss(target, painted, origin, self.settings.region)

    def _judged(self, name, painted, target, region):
        judge, stability = getattr(self.networks, name), self.settings.stability
        also = [region] if getattr(self.settings, name).mask_input else []
        fake_logits = judge(tf.concat([painted, *also], axis=-1), training=True)
        real_logits, penalty = _real(judge, tf.concat([target, *also], axis=-1), stability.r1)
        game = losses.GAMES[stability.objective]
        cost = game.discriminator(real_logits, fake_logits, stability.label_smoothing)
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


def _real(judge, seen, r1):
    """Returns the logits of real images, and their R1 penalty."""
    if not r1:
        return judge(seen, training=True), 0.0
    with tf.GradientTape() as tape:
        tape.watch(seen)
        logits = judge(seen, training=True)
        total = tf.reduce_sum(logits)
    return logits, losses.r1_penalty(tape.gradient(total, seen), r1)


def totals(terms: Terms, weights: config.Loss) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns what generator, whole-image and ROI discriminator minimise (Eq. 1)."""
    names = ("whole_ssim", "whole_adversarial", "roi_ssim", "roi_adversarial")
    generator_loss = tf.add_n([getattr(weights, name) * terms[name] for name in names])
    return generator_loss, terms["whole_discriminator"], terms["roi_discriminator"]
