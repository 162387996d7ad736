"""Write and open the `.keras` file, which `tune predict` and `tune serve` load."""

from pathlib import Path

from search.formats.format import Call, Format, Source, in_batches


def write_keras(source: Source, path: Path) -> None:
    """Write the file; one that is being replaced stays whole until the new one is complete."""
    # It must end in `.keras`: Keras takes the format from the name.
    partial = path.with_name(".partial.keras")
    source.finished.save(partial)
    partial.replace(path)


def open_keras(path: Path) -> Call:
    """Load the file by Keras."""
    import keras

    from models.xla import without_xla

    model = without_xla(keras.models.load_model(path, compile=False))
    return in_batches(model.predict_on_batch)


KERAS = Format(
    name="keras",
    title="Keras",
    file="model.keras",
    write=write_keras,
    open=open_keras,
    fixed_size=False,
    needs_code=True,
)
