"""Build a model of each of the user's own families before the search begins."""

from collections.abc import Iterable, Iterator
from typing import Any

from search.errors import TuneError
from search.inference.model_config import why_not_known
from search.process.progress import ProgressSink
from search.trial.experiment import Experiment


def require_buildable(experiment: Experiment, names: Iterable[str], progress: ProgressSink) -> None:
    """Build, as its hyperparameters are by default, what each family would train and export.

    Args:
        experiment: the run, with its classes.
        names: of the families.
        progress: told of models that take pixels from 0 to 255 as they are.

    Raises:
        ModelError: a model does not take the images, or give a number per class.
        TuneError: a file of it could not be loaded again.
    """
    import keras

    from models.hypermodel import with_values
    from models.known_good import default_values
    from models.serving import with_preprocessing

    scaling = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.BatchNormalization)
    classifier: Any = experiment.classifier
    for name in names:
        values = default_values(classifier, name)
        model = classifier.build(with_values(values))
        if not any(isinstance(each, scaling) for each in _layers(model)):
            progress.warning(
                f"{name}: pixels are 0 to 255, and none of its layers scales them; begin with "
                "keras.layers.Rescaling(1 / 255)"
            )
        whole = with_preprocessing(
            model,
            image_size=classifier.image_size_of(values),
            resize_mode=experiment.config.resize_mode,
            num_classes=experiment.num_classes,
        )
        if reason := why_not_known(keras.saving.serialize_keras_object(whole)):
            raise TuneError(
                f"{name}: its models could be trained, but not be used: {reason}; expected the "
                f"usual layers of Keras, or classes of layers that {name}'s file defines, each "
                "called once"
            )


def _layers(model: Any) -> Iterator[Any]:
    """List the layers of a model and of the models inside it."""
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)
