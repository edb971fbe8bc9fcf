"""What was found, as a page with the copies side by side that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from tasks.params import Check
from tasks.quality.census import Named
from tasks.quality.findings import Copy, warnings
from tasks.quality.oddities import Oddity
from tasks.report.pictures import Picture, show
from tasks.report.wording import listed, percent

HERE = Path(__file__).parent
MOST = 120  # pairs or pictures of one kind on the page
SIDE = 160  # pixels of a picture on the page, at most
WHERE = {
    "test": "Test pictures with a copy in train or val",
    "val": "Val pictures with a copy in train",
    "within": "Copies within one split",
}
VERDICTS = {
    "clean": "No picture has a copy in another split.",
    "leaks": "Pictures leak between splits. They were left where they are.",
    "dropped": "Pictures leaked between splits. Their copies were left out of training.",
    "refused": "Pictures leak between splits, so nothing is trained on this dataset.",
}


@dataclass(frozen=True)
class Gallery:
    """Pairs of one kind.

    Attributes:
        name: its anchor.
        heading: what they are.
        count: of all, the ones not shown with them.
        pairs: least alike first, evenly chosen.
    """

    name: str
    heading: str
    count: int
    pairs: list[tuple[Picture, Picture, Copy]]


def html(
    title: str,
    summary: dict[str, Any],
    found: Sequence[Copy],
    odd: Sequence[Oddity],
    called: Mapping[int, Named],
    images: UInt8[np.ndarray, "n h w c"],
    params: Check,
) -> str:
    """Return the page of one dataset."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    at = {name.id: position for position, name in called.items()}
    kinds = sorted({oddity.kind for oddity in odd})
    return (
        environment.get_template("page.html.j2").render(
            title=title,
            verdict=VERDICTS[summary["verdict"]],
            facts=facts(summary),
            warnings=warnings(summary, params),
            galleries=[g for g in galleries(found, at, images) if g.count],
            odd={kind: odd_tiles(kind, odd, called, images) for kind in kinds},
            small=images.shape[2] < SIDE // 2,
        )
        + "\n"
    )


def facts(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the counts in words."""
    pairs = {kind: sum(counts.values()) for kind, counts in summary["copies"].items()}
    share = percent(summary["leaked_test_share"], 2)
    return [
        ("test pictures with a copy elsewhere", f"{summary['leaked_test_images']:,} ({share})"),
        ("val pictures with a copy in train", f"{summary['leaked_val_images']:,}"),
        ("left out of training", f"{summary['left_out_of_training']:,}"),
        ("exact pairs", f"{pairs['exact']:,}"),
        ("near pairs", f"{pairs['near']:,}"),
        ("mirrored pairs", f"{pairs['mirrored']:,}"),
        ("pairs with different labels", f"{sum(summary['conflicting_labels'].values()):,}"),
        ("most frequent class over rarest", f"{summary['imbalance']:.2f}"),
        ("odd pictures", listed([f"{n:,} {kind}" for kind, n in summary["odd"].items()]) or "none"),
    ]


def galleries(
    found: Sequence[Copy], at: dict[str, int], images: UInt8[np.ndarray, "n h w c"]
) -> list[Gallery]:
    """Return the pairs: different labels first, then leaks, then the harmless ones."""
    groups: dict[str, list[Copy]] = {"conflicts": [], **{name: [] for name in WHERE}}
    for copy in found:
        groups[copy.other_split if copy.leaks else "within"].append(copy)
        if copy.conflicts:
            groups["conflicts"].append(copy)
    headings = {"conflicts": "Copies with different labels", **WHERE}
    return [
        Gallery(
            name=name,
            heading=headings[name],
            count=len(group),
            pairs=[
                (*tiles(copy, at, images), copy)
                for copy in spaced(sorted(group, key=lambda c: (c.likeness, c.id, c.other_id)))
            ],
        )
        for name, group in groups.items()
    ]


def spaced(rows: list[Any]) -> list[Any]:
    """Return at most `MOST` rows, evenly chosen, the first and the last with them."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int))
    return [rows[i] for i in chosen]


def odd_tiles(
    kind: str,
    odd: Sequence[Oddity],
    called: Mapping[int, Named],
    images: UInt8[np.ndarray, "n h w c"],
) -> tuple[int, list[Picture]]:
    """Return how many pictures are odd in one way, and some of them."""
    rows = sorted((o for o in odd if o.kind == kind), key=lambda o: (o.value, o.at))
    pictures = [
        show(small(images[o.at]), f"{called[o.at].id}: {kind}", called[o.at].label, f"{o.value:g}")
        for o in spaced(rows)
    ]
    return len(rows), pictures


def tiles(
    copy: Copy, at: dict[str, int], images: UInt8[np.ndarray, "n h w c"]
) -> tuple[Picture, Picture]:
    """Return both pictures of a pair."""
    one, other = small(images[at[copy.id]]), small(images[at[copy.other_id]])
    return (
        show(one, f"{copy.id}: {copy.label}", copy.label, copy.id),
        show(other, f"{copy.other_id}: {copy.other_label}", copy.other_label, copy.other_id),
    )


def small(pixels: UInt8[np.ndarray, "h w c"]) -> Image.Image:
    """Return a picture of at most `SIDE` pixels a side."""
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return picture
