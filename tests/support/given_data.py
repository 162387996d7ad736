"""What `data.json` of a run may hold."""

DATA = {
    "root": "/photos",
    "fingerprint": "made up",
    "labels": ["cat", "dog"],
    "pictures": 1234,
    "set_aside": 0,
    "pixels": "/photos/pixels.npy",
    "splits": {"train": 834, "validation": 200, "test": 200},
    "leaks": [],
}
