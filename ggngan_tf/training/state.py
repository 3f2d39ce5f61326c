"""All that a run needs to go on where it stopped: networks, optimisers, step.

A checkpoint is written under another name and renamed, the file `checkpoint` then points at it, and
only then do older ones go: whenever a run is killed, the newest that it points at is whole.
"""

import pathlib
import re

import tensorflow as tf

from ggngan_tf import config, errors
from ggngan_tf.training import step

BEST = "best"  # folder beside the newest checkpoints


class State:
    """A trainer and its checkpoints in `folder`.

    The order of the data and the noise follow from the seed and the step's number, so that the
    number is all there is to save of them.
    """

    def __init__(
        self,
        settings: config.Config,
        folder: pathlib.Path,
        strategy: tf.distribute.Strategy | None = None,
    ):
        self.trainer = step.Trainer(settings, strategy)
        self.steps = tf.Variable(0, dtype=tf.int64, name="steps")
        networks = self.trainer.networks
        players = {
            f"{name}_optimizer": optimizer
            for name, (_, optimizer) in zip(
                ("generator", "whole", "roi"), self.trainer.players, strict=True
            )
        }
        models = {name: getattr(networks, name) for name in networks.__dataclass_fields__}
        self.checkpoint = tf.train.Checkpoint(steps=self.steps, **models, **players)
        self.manager = tf.train.CheckpointManager(
            self.checkpoint, str(folder), max_to_keep=settings.training.keep
        )
        self.best = tf.train.CheckpointManager(self.checkpoint, str(folder / BEST), max_to_keep=1)

    def variables(self) -> list[tf.Variable]:
        """Returns every variable that the run changes, in a fixed order."""
        networks = self.trainer.networks
        models = [getattr(networks, name) for name in networks.__dataclass_fields__]
        optimizers = [optimizer for _, optimizer in self.trainer.players]
        return [self.steps, *(v for part in models + optimizers for v in part.variables)]

    def save(self) -> pathlib.Path:
        """Writes a checkpoint and returns its path; older ones than `training.keep` go.

        Raises:
            OutputError: The disk is full or the folder cannot be written to.
        """
        return self._save(self.manager)

    def save_best(self) -> pathlib.Path:
        """Writes a checkpoint in place of the best one so far, and returns its path.

        Raises:
            OutputError: The disk is full or the folder cannot be written to.
        """
        return self._save(self.best)

    def restore(self, best: bool = False) -> int:
        """Restores the newest complete checkpoint, or the best one, and returns its step.

        Learning rates are those of the settings, which a run may change when it goes on.

        Raises:
            TrainingError: There is none, or it is of other networks.
        """
        manager = self.best if best else self.manager
        path = manager.latest_checkpoint
        if path is None:
            raise errors.TrainingError(
                f"{manager.directory}: no checkpoint; start the run without --resume."
            )
        try:
            status = self.checkpoint.restore(path)
            status.assert_existing_objects_matched()
        except (AssertionError, ValueError, tf.errors.OpError) as error:
            raise errors.TrainingError(
                f"{path}: does not fit the networks of config.yaml ({_first_line(error)}); "
                "resume with the settings that the run was started with."
            ) from error
        self.trainer.set_learning_rates()
        return int(self.steps)

    def _save(self, manager):
        try:
            return pathlib.Path(manager.save(checkpoint_number=self.steps))
        except (tf.errors.OpError, OSError) as error:
            raise errors.OutputError(
                f"{manager.directory}: the checkpoint of step {int(self.steps)} cannot be "
                f"written ({_first_line(error)}); make room and go on with --resume."
            ) from error


def newest_step(folder: pathlib.Path) -> int | None:
    """Returns the step of the newest checkpoint in `folder`, or None."""
    latest = tf.train.latest_checkpoint(str(folder))
    return int(re.search(r"-(\d+)$", latest).group(1)) if latest else None


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0]
