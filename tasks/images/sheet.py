"""Contact sheets: pictures in a grid, with words beside them, for a person to look at."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Picture = UInt8[np.ndarray, "_ _ _"]  # height, width, 1 or 3 channels; 0..255

TILE = 72  # pixels a side
GAP = 4
TEXT = 16  # height of a line of text, pixels
PAPER, INK = "white", "black"


def tile(pixels: Picture, side: int = TILE) -> Image.Image:
    """Return a picture as a square tile; small ones keep their pixels visible."""
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    enlarged = max(pixels.shape[:2]) < side
    how = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    return picture.resize((side, side), how)


def grid(rows: list[list[Picture]], side: int = TILE) -> Image.Image:
    """Return rows of pictures as one picture without gaps: tile (r, c) at (c, r) * side."""
    sheet = Image.new("RGB", (side * max(len(row) for row in rows), side * len(rows)), PAPER)
    for r, row in enumerate(rows):
        for c, pixels in enumerate(row):
            sheet.paste(tile(pixels, side), (c * side, r * side))
    return sheet


def band(title: str, rows: list[list[Picture]]) -> Image.Image:
    """Return rows of pictures under a title, the first column apart from the others."""
    columns = max(len(row) for row in rows)
    width = columns * (TILE + GAP) + 3 * GAP
    sheet = Image.new("RGB", (width, TEXT + GAP + len(rows) * (TILE + GAP) + GAP), PAPER)
    ImageDraw.Draw(sheet).text((GAP, 0), title, fill=INK, font=ImageFont.load_default(TEXT - 4))
    for r, row in enumerate(rows):
        for c, pixels in enumerate(row):
            x = GAP + c * (TILE + GAP) + (2 * GAP if c else 0)
            sheet.paste(tile(pixels), (x, TEXT + GAP + r * (TILE + GAP)))
    return sheet


def stacked(bands: list[Image.Image], columns: int) -> Image.Image:
    """Return bands of one size in columns, read down and then across."""
    per_column = -(-len(bands) // columns)
    width, height = bands[0].size
    sheet = Image.new("RGB", (width * columns, max(b.size[1] for b in bands) * per_column), PAPER)
    for i, picture in enumerate(bands):
        sheet.paste(picture, (i // per_column * width, i % per_column * height))
    return sheet
