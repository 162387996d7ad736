"""Say what a file is that is read as no image, by its first bytes."""

from dataclasses import dataclass

_SAVE = "save it as JPEG, PNG or TIFF"
_EXPORT = "export it as JPEG or TIFF"


@dataclass(frozen=True)
class Signature:
    """A kind of file.

    Attributes:
        name: what it is called.
        starts: bytes that it begins with, at `offset`; one of several.
        offset: where these are.
        remedy: what turns it into an image that is read; "" where it is none at all.
    """

    name: str
    starts: tuple[bytes, ...]
    offset: int = 0
    remedy: str = ""


_HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftyphevx", b"ftypheim", b"ftypmif1", b"ftypmsf1")
_KINDS = (
    Signature("HEIC", _HEIC, 4, "install pillow-heif (image-tune[heic]), or " + _EXPORT),
    Signature("CR3", (b"ftypcrx ",), 4, _EXPORT),
    Signature("ORF", (b"IIRO", b"IIRS", b"MMOR"), 0, _EXPORT),
    Signature("RW2", (b"IIU\x00",), 0, _EXPORT),
    Signature("RAF", (b"FUJIFILMCCD-RAW",), 0, _EXPORT),
    Signature("X3F", (b"FOVb",), 0, _EXPORT),
    Signature("JPEG XL", (b"\xff\x0a", b"\x00\x00\x00\x0cJXL "), 0, _SAVE),
    Signature("Photoshop (PSD)", (b"8BPS",), 0, _SAVE),
    Signature("DICOM", (b"DICM",), 128, _SAVE),
    Signature("OpenEXR", (b"\x76\x2f\x31\x01",), 0, _SAVE),
    Signature("Radiance HDR", (b"#?RADIANCE", b"#?RGBE"), 0, _SAVE),
    Signature("QOI", (b"qoif",), 0, _SAVE),
    Signature("FITS", (b"SIMPLE  =",), 0, _SAVE),
    Signature("icon (ICO)", (b"\x00\x00\x01\x00", b"\x00\x00\x02\x00"), 0, _SAVE),
    Signature("SVG", (b"<svg", b"<?xml"), 0, _SAVE),
    Signature("PDF", (b"%PDF",), 0, _SAVE),
    Signature("HTML page", (b"<!doctype html", b"<!DOCTYPE html", b"<!DOCTYPE HTML", b"<html")),
    Signature("ZIP archive", (b"PK\x03\x04",)),
    Signature("gzip archive", (b"\x1f\x8b",)),
    Signature("HDF5", (b"\x89HDF\r\n",)),
    Signature("NumPy array", (b"\x93NUMPY",)),
    Signature("MP4 or QuickTime video", (b"ftypisom", b"ftypmp4", b"ftypqt  ", b"ftypM4V"), 4),
    Signature("Matroska or WebM video", (b"\x1a\x45\xdf\xa3",)),
    Signature("AVI video", (b"AVI ",), 8),
)


def what_it_is(contents: bytes) -> str:
    """Name the kind of a file that Pillow reads no image from: a reason for the catalog.

    Returns:
        "format not supported: NAME; what to do" for images of other kinds, "not an image: NAME"
        for what is none, and "not an image" where it is not known.
    """
    head = contents[:512].lstrip() if contents[:1] in b" \t\r\n\xef" else contents[:512]
    for kind in _KINDS:
        if any(head.startswith(start, kind.offset) for start in kind.starts):
            if kind.remedy:
                return f"format not supported: {kind.name}; {kind.remedy}"
            return f"not an image: {kind.name}"
    return "not an image"
