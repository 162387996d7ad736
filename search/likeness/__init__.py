"""Whether new images are like those that a model was trained and tested on."""
