"""What a search takes of the disk, for its plan."""

from typing import Any, NamedTuple

from search.process.machine.disk import checkpoint_bytes, free_bytes
from search.process.wording import bytes_in_words, in_percent
from search.trial.features.view_files import features_limit


class PlannedDisk(NamedTuple):
    """Bytes of the disk.

    Attributes:
        images: of the prepared images.
        prepared_share: of the images, 0 to 1; the others are decoded as they are needed.
        features: that features of pretrained networks may take; 0 without such networks.
        states: that training states may take.
        free: where they lie.
    """

    images: int
    prepared_share: float
    features: int
    states: int
    free: int

    @classmethod
    def of(cls, experiment: Any, weights: int, checkpoints: int) -> "PlannedDisk":
        """Look at a run whose images are prepared.

        Args:
            experiment: the run.
            weights: numbers in its largest model.
            checkpoints: training states that are kept at once.
        """
        images, share = prepared_images(experiment)
        pretrained = bool(experiment.config.backbones)
        return cls(
            images,
            share,
            features=features_limit(experiment) if pretrained else 0,
            states=checkpoint_bytes(weights, checkpoints),
            free=free_bytes(experiment.run.path),
        )

    def in_words(self) -> str:
        """A line, and where some images are not prepared another."""
        of_networks = (
            f"up to {bytes_in_words(self.features)} for features of pretrained networks, "
            if self.features
            else ""
        )
        decoded = (
            ""
            if self.prepared_share == 1
            else f"\n{in_percent(self.prepared_share)} of the images are prepared; the others are "
            "decoded each time they are needed, which is slower: --disk gives more room"
        )
        return (
            f"disk: {bytes_in_words(self.images)} for prepared images, {of_networks}"
            f"up to {bytes_in_words(self.states)} for training states, "
            f"{bytes_in_words(self.free)} free{decoded}"
        )


def prepared_images(experiment: Any) -> tuple[int, float]:
    """Bytes of the prepared images of all sizes, and their share of all images, by bytes."""
    prepared = experiment.prepared()
    there = sum(height * width * 3 * count for (height, width), count in prepared.items())
    all_images = len(experiment.targets) * sum(height * width * 3 for height, width in prepared)
    return there, there / all_images
