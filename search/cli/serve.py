"""The command on the local web page: `serve`."""

import click

from search.cli.options.arguments import CODE, MODEL, PORT
from search.cli.options.output import console_progress
from search.process.quiet import import_tensorflow
from search.runs.find import exported_at


@click.command()
@MODEL
@PORT
@CODE
def serve_command(model: str, port: int) -> None:
    """Try MODEL on a page of this machine: drop photos, see the answers and where they come from.

    MODEL is a run, an exported folder or .keras file, or imagenet:BACKBONE for an ImageNet
    classifier.
    Programs ask the same address: curl --data-binary @photo.jpg http://127.0.0.1:8000/predict

    Example: tune serve results/cats/export
    """
    from data_pipeline.pixels.reading import get_ready

    model = exported_at(model)
    get_ready()  # while TensorFlow is imported and the model loaded
    import_tensorflow()
    from search.serve.server import serve

    serve(model, port=port, progress=console_progress())


COMMANDS = (serve_command,)
