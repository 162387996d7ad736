"""A small model behind the real server, in this process, and a client that sends what it likes."""

import http.client
import io
import json
import socket
from contextlib import contextmanager

import keras
import numpy as np
from keras import layers
from PIL import Image

from search.inference.classifier import Classifier
from search.serve.server import address_of, serving

SIZE = (24, 32)
LABELS = ("dark", "bright")
BOUNDARY = "----a-line-between-parts"


def small_classifier(**changes):
    """Tells bright images from dark ones, by a convolution; its weights are set by hand."""
    images = keras.Input((*SIZE, 3))
    x = layers.Conv2D(1, 1, name="light")(layers.Rescaling(1 / 255)(images))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1, activation="sigmoid", name="probabilities")(x)
    other = layers.Rescaling(-1.0, 1.0)(x)
    model = keras.Model(images, layers.Concatenate()([other, x]), name="small")
    model.get_layer("light").set_weights([np.full((1, 1, 3, 1), 1 / 3), np.zeros(1)])
    model.get_layer("probabilities").set_weights([np.full((1, 1), 8.0), np.full(1, -4.0)])
    return Classifier(model, LABELS, SIZE, "squeeze", **changes)


@contextmanager
def running(classifier, **values):
    """The server and its client."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=512) as listener,
        serving(classifier, listener, name="small", **values) as app,
    ):
        yield Client(address_of(listener), app)


class Client:
    """Sends requests, one a connection."""

    def __init__(self, address, app):
        self.address, self.app = address, app
        self.port = int(address.rstrip("/").rsplit(":", 1)[1])

    def ask(self, method, path, body=None, timeout=60, **headers):
        """(status, what was answered, headers); JSON parsed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, names)
            answer = connection.getresponse()
            content = answer.read()
            if answer.headers.get_content_type() == "application/json" and content:
                content = json.loads(content)
            return answer.status, content, answer.headers
        finally:
            connection.close()

    def send(self, *parts, path="/predict"):
        """As a form with a file (name, bytes) a part."""
        body = b"".join(
            b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
            % (BOUNDARY.encode(), part[2].encode() if part[2:] else b"file", part[0], part[1])
            for part in parts
        )
        body += b"--%s--\r\n" % BOUNDARY.encode()
        return self.ask(
            "POST", path, body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}"
        )

    def begin(self, headers="", body=b""):
        """A socket on which a request was begun; for requests that are not as they should be."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        start = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{headers}\r\n"
        connection.sendall(start.encode() + body)
        return connection


def status_of(connection):
    """What comes back on such a socket."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.status, json.loads(answer.read())


def grey(level, size=(40, 30), file_format="PNG"):
    """The bytes of an image of one grey, (width, height)."""
    return encoded(Image.new("L", size, level), file_format)


def encoded(image, file_format="PNG"):
    file = io.BytesIO()
    image.save(file, file_format)
    return file.getvalue()
