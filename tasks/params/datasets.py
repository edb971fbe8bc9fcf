"""Parameters of a dataset: where it comes from, how it is packed, split and checked."""

from typing import Annotated, Literal

from pydantic import Field

from tasks.params.strict import Count, NotNegative, OpenShare, Positive, Seed, Sha256, Share, Strict


class Files(Strict):
    """Files that are checked one by one."""

    kind: Literal["files"]
    watch: str = Field(description="a file or folder whose change makes `download` run again")
    mirror: str = Field(description="the folder of this dataset below DATASET_MIRROR")
    urls: list[str] = Field(min_length=1, description="folders to take the files from, in order")
    files: dict[str, Sha256] = Field(min_length=1)


class Members(Strict):
    """Members of an archive, checked together.

    The digest is the SHA-256 of the text that `sha256sum` prints for the members that
    match, sorted by name in byte order.
    """

    pattern: str
    sha256: Sha256


class Archive(Strict):
    """An archive whose members are checked, so that a mirror may pack them otherwise."""

    kind: Literal["archive"]
    watch: str = Field(description="a file or folder whose change makes `download` run again")
    mirror: str = Field(description="the folder of this dataset below DATASET_MIRROR")
    stem: str = Field(description="the archive's name in a mirror, without its endings")
    urls: list[str] = Field(min_length=1)
    members: dict[str, Sha256] | Members
    max_unpacked_mib: Count


class Local(Strict):
    """Pictures of one's own: a folder, zip or tar with a folder per class, at `watch`."""

    kind: Literal["local"]
    watch: str = Field(description="the folder, zip or tar; its change makes `download` run again")
    max_unpacked_mib: Count


class Prepare(Strict):
    """How raw data becomes an array."""

    reader: Literal["packaged", "idx", "cifar", "image_folder"]
    height: Count
    width: Count
    channels: Literal[1, 3]
    max_pixels: Count = Field(description="larger pictures are quarantined as bombs")
    max_quarantined: Share = Field(description="the stage stops above this share")


class Split(Strict):
    """How samples are assigned to train, val and test."""

    seed: Seed
    val: OpenShare
    test: OpenShare | None = Field(description="null where the authors give a test set")


class Check(Strict):
    """What counts as a flaw of a dataset, and what is done about leaks."""

    leaks: Literal["warn", "drop_from_train", "fail"] = Field(
        description="what to do about copies of a picture in two splits; test is never touched"
    )
    likeness: Share = Field(
        description="correlation of two pictures' detail from which on they are copies"
    )
    distinct: Share = Field(
        description="copies are nearer than this share of the way to ordinary neighbours"
    )
    faint: NotNegative = Field(
        description="contrast in grey levels below which a picture is nearly empty"
    )
    outlier: Positive = Field(
        description="robust standard deviations from which on a picture is odd"
    )
    imbalance: Positive = Field(
        description="the most frequent class over the rarest in train: warn above it"
    )


class Dataset(Strict):
    """One dataset, from its source to the check of its splits."""

    title: str
    source: Annotated[Files | Archive | Local, Field(discriminator="kind")]
    prepare: Prepare
    labels: str = Field(description="the table of corrected labels; data/labels/none.csv is empty")
    split: Split
    check: Check
