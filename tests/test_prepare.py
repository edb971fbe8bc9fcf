import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks import prepare
from tasks.datasets.packing import count_packed
from tasks.images.decode import decode
from tasks.images.samples import Sample
from tasks.prepare import LOG
from tasks.stage import PREPARED, RAW, SCRATCH, StageError
from tasks.stage.locks import held

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def pets(workspace, own_params):
    """Return a function that declares the dataset `pets`, a folder of pictures."""

    def declare(**changes):
        dataset = own_params["datasets"]["cats_vs_dogs"]
        dataset["prepare"] |= {"height": 16, "width": 20, "max_quarantined": 0.2} | changes
        params = workspace.write_params({"datasets": {"pets": dataset}, "experiments": {}})
        return params.dataset("pets").prepare

    declare()
    return declare


def table(name, dataset="pets"):
    with (PREPARED / dataset / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary(dataset="pets"):
    return json.loads((PREPARED / dataset / "summary.json").read_text("utf-8"))


def break_pictures(folder: Path) -> dict[str, str]:
    """Put broken files into a folder; return their names and the reasons to expect."""
    whole = folder / "whole.jpg"
    Image.linear_gradient("L").save(whole)
    (folder / "cut.jpg").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    whole.unlink()
    (folder / "empty.png").touch()
    (folder / "text.jpg").write_text("I am a cat.")
    (folder / "link.jpg").symlink_to(folder / "gone.jpg")
    Image.new("1", (3000, 3000)).save(folder / "bomb.png")
    return {
        "bomb.png": "too large: 3000 x 3000 pixels, at most 1000000 are decoded",
        "cut.jpg": "truncated: the file ends before its picture does",
        "empty.png": "the file is empty",
        "link.jpg": "cannot be opened: No such file or directory",
        "text.jpg": "not an image, or its beginning is damaged",
    }


# ---- what comes out -------------------------------------------------------------------


def test_rows_are_the_pictures_in_the_order_of_the_table(pets, class_folders):
    class_folders(RAW / "pets", n=40)
    prepare.run("pets")
    images, samples, params = np.load(PREPARED / "pets/images.npy"), table("samples.csv"), pets()
    assert images.shape == (80, 16, 20, 3)
    assert images.dtype == np.uint8
    assert [sample["id"] for sample in samples] == sorted(sample["id"] for sample in samples)
    for image, sample in zip(images, samples, strict=True):
        alone = decode(RAW / "pets" / sample["id"], params)
        assert np.array_equal(image, alone.pixels)
        assert sample["digest"] == alone.digest
        assert (sample["width"], sample["height"]) == ("48", "40")


def test_the_table_has_the_columns_that_others_read(pets, class_folders):
    class_folders(RAW / "pets")
    prepare.run("pets")
    assert tuple(table("samples.csv")[0]) == Sample._fields
    assert Counter(sample["label"] for sample in table("samples.csv")) == {"box": 6, "round": 6}


@pytest.mark.parametrize("channels", [1, 3])
def test_the_array_has_the_channels_of_the_parameters(pets, class_folders, channels):
    pets(channels=channels)
    class_folders(RAW / "pets", n=2)
    prepare.run("pets")
    assert np.load(PREPARED / "pets/images.npy", mmap_mode="r").shape == (4, 16, 20, channels)


def test_broken_files_are_quarantined_and_leave_no_gap(pets, class_folders, capsys):
    pets(max_pixels=1_000_000)
    class_folders(RAW / "pets", n=20)
    prepare.run("pets")
    clean = (PREPARED / "pets/images.npy").read_bytes()
    reasons = break_pictures(RAW / "pets/box")
    prepare.run("pets")
    assert {row["file"]: row["reason"] for row in table("quarantine.csv")} == {
        f"box/{file}": reason for file, reason in reasons.items()
    }
    assert (PREPARED / "pets/images.npy").read_bytes() == clean
    assert len(table("samples.csv")) == 40
    assert "pets: 40 images of 2 classes, 5 quarantined" in capsys.readouterr().out
    assert (RAW / "pets/box/cut.jpg").exists()


def test_the_summary_counts_everything(pets, class_folders):
    for role, n in ("train", 4), ("validation", 2):
        class_folders(RAW / "pets/wrapped" / role, n=n)
    (RAW / "pets/wrapped/train/box/empty.jpg").touch()
    (RAW / "pets/wrapped/train/box/.DS_Store").touch()
    (RAW / "pets/wrapped/vectorize.py").touch()
    prepare.run("pets")
    assert summary() == {
        "channels": 3,
        "classes": ["box", "round"],
        "counts": {"box": 6, "round": 6},
        "height": 16,
        "ignored": {".DS_Store": 1, "outside class folders": 1},
        "images": 12,
        "quarantined": 1,
        "roles": {"train": {"box": 4, "round": 4}, "val": {"box": 2, "round": 2}},
        "width": 20,
    }


def test_preparing_twice_gives_the_same_bytes(pets, class_folders):
    def contents():
        return {path.name: path.read_bytes() for path in (PREPARED / "pets").iterdir()}

    class_folders(RAW / "pets", n=50)
    (RAW / "pets/box/empty.jpg").touch()
    prepare.run("pets")
    once = contents()
    prepare.run("pets")
    assert contents() == once
    assert sorted(once) == ["images.npy", "quarantine.csv", "samples.csv", "summary.json"]


def test_a_run_that_was_killed_is_taken_up_where_it_was(pets, draw, workspace, cli):
    for label, shape in (("round", "circle"), ("sharp", "triangle")):
        folder = RAW / "pets" / label
        folder.mkdir(parents=True)
        for seed in range(300):
            draw(shape, seed, 800, 600).save(folder / f"{seed}.png")
    killed = subprocess.Popen(
        [sys.executable, "-m", "tasks.prepare", "pets"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    while not any(log.read_text() for log in SCRATCH.rglob(LOG)):
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    (log,) = SCRATCH.rglob(LOG)
    done = count_packed(log)
    assert 0 < done < 600
    assert not (PREPARED / "pets").exists()
    again = cli("prepare", "pets")
    assert again.returncode == 0, again.stderr
    taken_up = read_all(PREPARED / "pets")
    assert list(SCRATCH.rglob("*.npy")) == []
    shutil.rmtree(PREPARED)
    assert cli("prepare", "pets").returncode == 0
    assert read_all(PREPARED / "pets") == taken_up


def read_all(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_three_hundred_pictures_with_odd_names_keep_their_pictures(pets, draw):
    odd = ["a b,c", 'say "hi"', "it's", "🐈", "naïve", "100%", "#1;DROP", "=1+1", "CON", "a" * 200]
    for at in range(300):
        folder = RAW / "pets" / ("wide, really 🖼" if at % 2 else 'a "b" c')
        folder.mkdir(parents=True, exist_ok=True)
        draw("circle", seed=at).save(folder / f"{odd[at % len(odd)]} {at}.png")
    prepare.run("pets")
    samples, images = table("samples.csv"), np.load(PREPARED / "pets/images.npy")
    assert Counter(sample["label"] for sample in samples) == {'a "b" c': 150, "wide, really 🖼": 150}
    for image, sample in zip(images, samples, strict=True):
        at = int(re.search(r"(\d+)\.png$", sample["id"])[1])
        again = draw("circle", seed=at).resize((20, 16), Image.Resampling.BILINEAR)
        assert np.array_equal(image, again)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="names are Unicode there")
def test_a_name_that_is_no_unicode_is_written_and_read(pets, class_folders):
    class_folders(RAW / "pets", n=2)
    names = [os.fsdecode(b"caf\xe9\n.png"), "new\nline.png"]
    for name in names:
        shutil.copy(RAW / "pets/box/001.png", RAW / "pets/box" / name)
    prepare.run("pets")
    ids = {sample["id"] for sample in table("samples.csv")}
    assert {r"box/caf\xe9\n.png", r"box/new\nline.png"} < ids


def golden_pictures(folder: Path) -> None:
    """Make 20 pictures by arithmetic, of sizes and modes that differ."""
    for at in range(20):
        height, width = 5 + at % 7, 4 + at % 5
        pixels = np.arange(height * width * 3) * (at + 3) % 251
        image = Image.fromarray(pixels.reshape(height, width, 3).astype(np.uint8))
        path = folder / ("train", "test")[at % 5 == 0] / ("even", "odd")[at % 2] / f"{at}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        image.convert(("RGB", "L", "RGBA", "P")[at % 4]).save(path)


def test_the_table_of_twenty_pictures_is_as_ever(pets):
    golden_pictures(RAW / "pets")
    prepare.run("pets")
    got = (PREPARED / "pets/samples.csv").read_text("utf-8")
    assert got == (GOLDEN / "samples.csv").read_text("utf-8")


# ---- what is refused ------------------------------------------------------------------


def test_too_many_broken_files_stop_the_stage(pets, class_folders):
    pets(max_quarantined=0.1, max_pixels=1_000_000)
    class_folders(RAW / "pets", n=20)
    break_pictures(RAW / "pets/box")
    said = (
        r"^5 of 45 files of 'pets' cannot be used: expected at most 10\.00%\. 'box/bomb\.png': too "
        r".*All are listed in 'data/scratch/prepare/pets\.quarantine\.csv'\. Repair"
    )
    with pytest.raises(StageError, match=said):
        prepare.run("pets")
    listed = (SCRATCH / "prepare/pets.quarantine.csv").read_text("utf-8").splitlines()
    assert len(listed) == 6
    assert not (PREPARED / "pets").exists()


@pytest.mark.parametrize(("broken", "most"), [(0, 0.0), (1, 0.2)])
def test_as_many_broken_files_as_allowed_do_not_stop_it(pets, class_folders, broken, most):
    pets(max_quarantined=most)
    class_folders(RAW / "pets", n=2)
    for at in range(broken):
        (RAW / f"pets/box/empty{at}.jpg").touch()
    prepare.run("pets")
    assert summary()["quarantined"] == broken


def test_a_failed_run_leaves_what_was_there(pets, class_folders):
    class_folders(RAW / "pets")
    prepare.run("pets")
    before = (PREPARED / "pets/samples.csv").read_bytes()
    shutil.rmtree(RAW / "pets/box")
    with pytest.raises(StageError):
        prepare.run("pets")
    assert (PREPARED / "pets/samples.csv").read_bytes() == before
    assert [path.name for path in PREPARED.iterdir()] == ["pets"]


def test_two_at_the_same_work_do_not_write_the_same_rows(pets, class_folders):
    class_folders(RAW / "pets", {"cats": "circle", "dogs": "square"})
    with (
        held(SCRATCH / "prepare-pets.lock", "prepare pets"),
        pytest.raises(StageError, match=r"\(prepare pets\) since .* is at work in 'data/scratch'"),
    ):
        prepare.run("pets")
    prepare.run("pets")


def test_no_pictures_at_all_are_refused(pets):
    (RAW / "pets/cats").mkdir(parents=True)
    with pytest.raises(StageError, match="no pictures in 'data/raw/pets': expected a folder per"):
        prepare.run("pets")


def test_one_class_is_refused(pets, class_folders):
    class_folders(RAW / "pets", {"cats": "circle"})
    with pytest.raises(StageError, match="has one class, 'cats': expected at least 2"):
        prepare.run("pets")


def test_a_class_without_pictures_is_refused(pets, class_folders):
    class_folders(RAW / "pets")
    (RAW / "pets/dogs").mkdir()
    with pytest.raises(StageError, match="class 'dogs' of 'pets' has no readable picture: "):
        prepare.run("pets")


def test_a_class_of_broken_pictures_only_is_refused(pets, class_folders):
    class_folders(RAW / "pets", n=10)
    (RAW / "pets/dogs").mkdir()
    (RAW / "pets/dogs/1.jpg").touch()
    with pytest.raises(StageError, match="class 'dogs' of 'pets' has no readable picture: "):
        prepare.run("pets")


def test_a_class_without_pictures_in_one_role_is_refused(pets, class_folders):
    class_folders(RAW / "pets/train")
    class_folders(RAW / "pets/test", {"box": "square"})
    with pytest.raises(StageError, match="class 'round' of 'pets' has no readable picture in test"):
        prepare.run("pets")


def test_a_disk_too_small_is_told_before_it_is_filled(pets, class_folders):
    pets(height=10**7, width=10**7)
    class_folders(RAW / "pets")
    with pytest.raises(StageError, match="not enough space in 'data/prepared': 12 images need "):
        prepare.run("pets")


# ---- cost -----------------------------------------------------------------------------

PEAK = """
from pathlib import Path
from tasks import prepare
prepare.run("pets")
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


def peak_mib() -> float:
    """Prepare `pets` in a process of its own; return the most memory it held."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PEAK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_does_not_grow_with_the_dataset(pets, class_folders):
    pets(height=250, width=250)
    class_folders(RAW / "pets", n=4, suffixes=(".bmp",))
    (RAW / "pets/box/broken.jpg").touch()
    few = peak_mib()
    for at in range(600):
        os.link(RAW / "pets/box/000.bmp", RAW / f"pets/box/again {at}.bmp")
    many = peak_mib()
    assert (PREPARED / "pets/images.npy").stat().st_size > 100 * 2**20
    assert many - few < 30


# ---- from the command line ------------------------------------------------------------


def test_an_unknown_dataset_is_one_line(cli):
    done = cli("prepare", "petz")
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: unknown dataset 'petz': params\.yaml has digits, .*\n", done.stderr
    )


def test_help_says_what_the_stage_does(cli):
    done = cli("prepare", "--help")
    assert done.returncode == 0
    assert "Decode and check every picture" in done.stdout


# ---- real data ------------------------------------------------------------------------

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.data
def test_mnist_has_its_published_counts(workspace, dataset_mirror):
    shutil.copytree(dataset_mirror / "mnist", RAW / "mnist")
    prepare.run("mnist")
    roles = summary("mnist")["roles"]
    assert list(roles["train"].values()) == MNIST_TRAIN
    assert list(roles["test"].values()) == MNIST_TEST
    assert np.load(PREPARED / "mnist/images.npy", mmap_mode="r").shape == (70_000, 28, 28, 1)


@pytest.mark.data
@pytest.mark.slow
def test_cifar_10_has_its_published_counts(workspace, dataset_mirror):
    unpack(dataset_mirror / "cifar-10/cifar-10-binary.tar.xz", RAW / "cifar10")
    prepare.run("cifar10")
    roles = summary("cifar10")["roles"]
    assert set(roles["train"].values()) == {5000}
    assert set(roles["test"].values()) == {1000}
    assert list(roles["train"])[:3] == ["airplane", "automobile", "bird"]


@pytest.mark.data
@pytest.mark.slow
def test_cats_and_dogs_have_their_published_counts(workspace, dataset_mirror):
    archive = dataset_mirror / "cats_and_dogs_filtered/cats_and_dogs_filtered.tar.xz"
    unpack(archive, RAW / "cats_vs_dogs")
    prepare.run("cats_vs_dogs")
    told = summary("cats_vs_dogs")
    assert told["roles"] == {
        "train": {"cats": 1000, "dogs": 1000},
        "val": {"cats": 500, "dogs": 500},
    }
    assert (told["quarantined"], told["ignored"]) == (0, {})
    digests = [sample["digest"] for sample in table("samples.csv", "cats_vs_dogs")]
    assert len(set(digests)) == 3000


def unpack(archive: Path, folder: Path) -> None:
    shutil.unpack_archive(archive, folder, filter="data")
