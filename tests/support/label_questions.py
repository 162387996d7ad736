"""The page of suspected labels behind the real server, with made-up images."""

import socket
from contextlib import contextmanager

from served import Client, grey

from search.serve.decisions import Decisions, Question
from search.serve.labels_app import LabelsApp
from search.serve.limits import UploadLimits
from search.serve.server import address_of, answering

CLASSES = ("cat", "dog", "<b>fox")


def questions(count=3):
    """So many images, each called a cat and likelier a dog."""
    return [
        Question(
            path=f"cat/{number}.png",
            label="cat",
            listed="cat",
            likelier="dog",
            shares=(0.1, 0.9),
            split="train",
            image=grey(40 * number, file_format="JPEG"),
        )
        for number in range(count)
    ]


@contextmanager
def asking(file, count=3):
    """The server and its client."""
    asked = questions(count)
    app = LabelsApp("photos", asked, CLASSES, Decisions(file, asked))
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as listener,
        answering(app, listener, UploadLimits()),
    ):
        yield Client(address_of(listener), app)
