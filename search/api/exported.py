"""An exported model, for Python programs and notebooks."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from search.api.options import ReadingOptions, checked
from search.errors import TuneError
from search.process.cache_use import cache_folder
from search.process.progress import ProgressSink, Silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from search.inference.classifier import Classifier, Prediction
    from search.inference.evaluate import Evaluation
    from search.likeness.check import Check
    from search.run_folder.exported.metrics import Metrics
    from search.run_folder.paths import RunFolder


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Attributes:
        path: its folder, or one of its files.
        code: Python file that defines layers of it, which is run; None for layers of Keras alone.
    """

    path: Path
    code: Path | None = None

    @cached_property
    def classifier(self) -> "Classifier":
        """The loaded model; TensorFlow is imported.

        Raises:
            TuneError: there is no such model, or it cannot be loaded.
        """
        from search.formats.classifier import load_exported
        from search.process.quiet import import_tensorflow

        import_tensorflow()
        if self.code is not None:
            from models.families.own.loading import load_code

            load_code(self.code)
        return load_exported(str(self.path))

    @property
    def metrics(self) -> "Metrics":
        """What `metrics.json` holds of it.

        Raises:
            TuneError: it is missing or broken.
        """
        from search.process.atomic_files import read_json
        from search.run_folder.exported.metrics import Metrics
        from search.run_folder.schema import from_json

        file = (self.path if self.path.is_dir() else self.path.parent) / "metrics.json"
        return from_json(Metrics, read_json(file), file=file)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the model's outputs."""
        return self.classifier.class_names

    def predict(
        self, images: "str | Path | NDArray[np.uint8] | Iterable[str | Path | NDArray[np.uint8]]"
    ) -> "list[Prediction]":
        """Say what the model sees.

        Args:
            images: paths of files, or of folders that hold some, as `tune predict` takes them; or
                arrays uint8 [height, width, 3] of any size, RGB 0 to 255; one, or several.

        Returns:
            One answer per image, in order; of a file that cannot be read its `error` says why.

        Raises:
            TuneError: a path does not exist, or an array is none of an image.
        """
        import numpy as np

        several: Any = images
        if isinstance(images, str | Path) or (isinstance(images, np.ndarray) and images.ndim == 3):
            several = [images]
        given = list(several)
        if all(isinstance(each, str | Path) for each in given):
            from search.inference.classifier import input_files

            return list(self.classifier.predict(input_files([Path(each) for each in given])))
        return [self._answer(number, each) for number, each in enumerate(given)]

    def _answer(self, number: int, image: Any) -> "Prediction":
        import numpy as np

        from data_pipeline.pixels.resize import resize

        fits = isinstance(image, np.ndarray) and image.dtype == np.uint8
        if not fits or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            raise TuneError(
                f"image {number}: received {getattr(image, 'dtype', type(image).__name__)} "
                f"{list(getattr(image, 'shape', []))}, expected uint8 [height, width, 3], or paths "
                "alone"
            )
        model = self.classifier
        try:
            pixels = resize(image, model.image_size, resize_mode=model.resize_mode)
        except MemoryError as error:
            raise TuneError(f"image {number}: out of memory, with {list(image.shape)}") from error
        return model.to_prediction(Path(str(number)), model.probabilities(pixels[None])[0])

    def check(self, *, progress: ProgressSink | None = None) -> "Check":
        """Get ready to tell images that are unlike those of the run that exported the model.

        Args:
            progress: told what is done the first time; by default nothing is shown.

        Returns:
            `noted(check.classifier.predict(files))` marks them, `result()` says whether all
            together differ; `files` is what `search.inference.classifier.input_files` gives.

        Raises:
            TuneError: it is the export of no run.
        """
        run = self.run_folder()
        from search.likeness.check import Check
        from search.likeness.reference import reference_of

        reference = reference_of(run, self.classifier, progress or Silent())
        return Check(self.classifier, reference)

    def run_folder(self) -> "RunFolder":
        """The run that exported it, with whose images a check compares.

        Raises:
            TuneError: it is the export of no run.
        """
        from search.runs.find import run_at

        path = self.path.resolve()
        run = run_at((path if path.is_dir() else path.parent).parent)
        if run is None or path.suffix not in ("", ".keras"):
            raise TuneError(
                f"{self.path}: the check compares with the images of a run; expected a run, its "
                "export, or the .keras file in it"
            )
        return run

    def evaluate(
        self,
        data: str | Path,
        *,
        cache_dir: str | Path | None = None,
        progress: ProgressSink | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> "Evaluation":
        """Measure the model on labelled images, as `tune evaluate` does.

        Args:
            data: folder of images.
            cache_dir: folder for what is known of files; by default the user's.
            progress: told what is done; by default nothing is shown.
            reading: see `ReadingOptions`.

        Raises:
            TypeError: there is no option of that name.
            TuneError, DataError: what a user can mend.
        """
        from data_pipeline.listing.data_options import DataOptions
        from search.inference.evaluate import evaluate_folder, known_to

        # One class may be all that there is to measure.
        options = DataOptions.of(**checked(reading, ReadingOptions), least=1)
        classifier = self.classifier
        with (progress or Silent()).task("checking and preparing images", counted=True) as task:
            return evaluate_folder(
                classifier,
                Path(data),
                known=known_to(str(self.path)),
                cache_dir=cache_folder(None if cache_dir is None else Path(cache_dir)),
                options=options,
                progress=task.update,
            )
