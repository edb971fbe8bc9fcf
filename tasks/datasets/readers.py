"""Which reader belongs to which name in `params.yaml`.

A reader takes the folder of a dataset's raw data and returns its `Listing`. To read a new
format, write a module with such a function and add its line here and in `params.Prepare`.
"""

from collections.abc import Callable
from pathlib import Path

from tasks.datasets import cifar, idx, image_folder, packaged
from tasks.datasets.pictures import Listing

READERS: dict[str, Callable[[Path], Listing]] = {
    "cifar": cifar.read,
    "idx": idx.read,
    "image_folder": image_folder.read,
    "packaged": packaged.read,
}
