"""Pictures for the page: cut from the strips that `evaluate` draws, each with its words.

Every picture becomes a data URI, so that the page needs no other file.
"""

import io
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from PIL import Image

from tasks.report.tables import Row, rows_of
from tasks.report.wording import certainty, distance
from tasks.stage import AUGMENTED, PLOTS

LARGE = 40_000  # bytes of a PNG above which a lossy picture is worth it
QUALITY = 88


@dataclass(frozen=True)
class Picture:
    """A picture and what to say about it.

    Attributes:
        uri: the pixels.
        alt: for who does not see it.
        caption: beneath it, the first line in bold.
        wrong: whether it is of another class than the test picture of its row.
    """

    uri: str
    width: int
    height: int
    alt: str
    caption: tuple[str, ...] = ()
    wrong: bool = False


def data_uri(picture: Image.Image) -> str:
    """Return a picture as text: lossless if that is small, otherwise as WebP."""
    kind, data = "png", encoded(picture, "PNG", optimize=True)
    if len(data) > LARGE:
        lossy = encoded(picture.convert("RGB"), "WEBP", quality=QUALITY, method=6)
        kind, data = min((kind, data), ("webp", lossy), key=lambda option: len(option[1]))
    return f"data:image/{kind};base64,{b64encode(data).decode('ascii')}"


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of an image file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def tiles(path: Path, per_row: int) -> Iterator[Image.Image]:
    """Yield the square tiles of a sheet, row by row."""
    with Image.open(path) as sheet:
        sheet.load()
    side = sheet.width // per_row
    for top in range(0, sheet.height, side):
        for left in range(0, side * per_row, side):
            yield sheet.crop((left, top, left + side, top + side))


def show(image: Image.Image, alt: str, *caption: str, wrong: bool = False) -> Picture:
    """Return an image ready for the page."""
    return Picture(data_uri(image), image.width, image.height, alt, caption, wrong)


def contact_sheet(experiment: str) -> Picture | None:
    """Return what augmentation makes of some training images; None if it is not here."""
    path = AUGMENTED / f"{experiment}.png"
    if not path.exists():
        return None
    with Image.open(path) as sheet:
        return show(sheet, "training pictures, each beside several augmented versions of it")


def mistakes(experiment: str) -> list[Picture]:
    """Return the worst mistakes, worst first."""
    rows, path = captioned(experiment, "mistakes")
    if not rows:
        return []
    return [show_mistake(tile, row) for tile, row in zip(tiles(path, len(rows)), rows, strict=True)]


def show_mistake(tile: Image.Image, row: Row) -> Picture:
    """Say what the model took a picture for, and how sure it was."""
    sure = certainty(float(row["probability"]))
    return show(
        tile,
        f"{row['id']}: {row['label']}, taken for {row['predicted']}",
        f"{row['label']},",
        f"says {row['predicted']}",
        sure,
    )


def neighbours(experiment: str) -> list[list[Picture]]:
    """Return rows of one test image and its nearest training images."""
    rows, path = captioned(experiment, "neighbours")
    if not rows:
        return []
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row["row"])]
    sheet = tiles(path, max(map(len, groups)))
    return [[show_neighbour(next(sheet), row, group[0]) for row in group] for group in groups]


def show_neighbour(tile: Image.Image, row: Row, test: Row) -> Picture:
    """Say what one picture in a row is: the test image, or a neighbour at some distance."""
    if row["rank"] == "0":
        said = f"says {row['predicted']}"
        return show(tile, f"test picture: {row['label']}", row["label"], said)
    away = distance(float(row["distance"]))
    alt = f"training picture at distance {away}: {row['label']}"
    return show(tile, alt, row["label"], away, wrong=row["label"] != test["label"])


def lesson(experiment: str) -> list[Picture]:
    """Return a picture and altered copies of it, with their distances from it."""
    rows, path = captioned(experiment, "lesson")
    if not rows:
        return []
    return [
        show(tile, f"the picture, {row['what']}", row["what"], *apart(float(row["distance"])))
        for tile, row in zip(tiles(path, len(rows)), rows, strict=True)
    ]


def apart(length: float) -> tuple[str, ...]:
    """Say how far a copy is; nothing for the original."""
    return (f"L2 distance {distance(length)}",) if length else ()


def captioned(experiment: str, name: str) -> tuple[list[Row], Path]:
    """Return the words for a sheet and its path; no words if either is missing."""
    folder = PLOTS / experiment / "pictures"
    path = folder / f"{name}.png"
    return (rows_of(folder / f"{name}.csv") if path.exists() else []), path
