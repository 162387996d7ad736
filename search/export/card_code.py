"""The code in a model card that reads a photo as `tune predict` does."""

READ_AND_PREDICT = """\
import json, keras, numpy as np
from PIL import Image, ImageOps

def pixels(path):
    '''Upright, transparent parts on white, RGB, 0-255, of any size.'''
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):  # grey of 16 bits; shift by 4 where a file declares 12
        image = Image.fromarray((np.array(image) >> 8).astype("uint8"))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))

model = keras.models.load_model("model.keras", compile=False)
labels = json.load(open("labels.json"))["labels"]
print(dict(zip(labels, model.predict(pixels("photo.jpg")[None])[0])))
"""
