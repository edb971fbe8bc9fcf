"""From a folder of one's own pictures to a report and predictions, as the README tells it."""

import csv
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tasks import (
    augment,
    calibrate,
    check,
    download,
    evaluate,
    predict,
    prepare,
    publish,
    split,
    train,
)
from tasks.measures.calibration import path_of, read_calibration
from tasks.measures.ledger import digest_of_model
from tasks.models.loading import load_classifier
from tasks.stage import StageError
from tasks.stage.tables import read_table
from tests.conftest import ROOT

CLASSES = {"round things": "circle", 'b"o,x 📦': "square"}
OWN = re.search(
    r"<!-- own dataset -->\n```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL
)


@pytest.fixture
def own(workspace, class_folders):
    """Draw 120 pictures, break two, and write into params.yaml what the README says."""
    photos = workspace.root / "photos"
    class_folders(photos, CLASSES, n=60)
    (photos / "round things" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (photos / "round things" / ".DS_Store").write_bytes(b"junk")
    whole = (photos / "round things" / "000.jpg").read_bytes()
    (photos / "round things" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    workspace.write_params(yaml.safe_load(OWN.group(1)))
    return workspace


def test_one_s_own_pictures_get_a_report_and_predictions(own, cli, capsys):
    for stage in (download, prepare, split, check):
        stage.run("pets")
    for experiment in ("pets_cnn", "pets_knn"):
        for stage in (augment, train, calibrate, evaluate):
            stage.run(experiment)
    publish.run()
    quarantined = read_table(own.root / "data/prepared/pets/quarantine.csv")
    assert sorted(name.rsplit("/")[-1] for name in quarantined["file"]) == ["broken.jpg", "cut.jpg"]
    for experiment in ("pets_cnn", "pets_knn"):
        metrics = json.loads((own.root / f"data/metrics/{experiment}.json").read_text())
        assert list(metrics) == sorted(metrics)
        assert metrics["accuracy_low"] <= metrics["accuracy"] <= metrics["accuracy_high"]
        predictions = read_table(own.root / f"data/predictions/{experiment}.csv")
        assert len(predictions) == metrics["n"] > 10
        right = (predictions["label"] == predictions["predicted"]).mean()
        assert metrics["accuracy"] == pytest.approx(right, abs=1e-6)
        assert (own.root / f"data/augmented/{experiment}.png").stat().st_size > 1000
    assert json.loads((own.root / "data/metrics/pets_cnn.json").read_text())["accuracy"] > 0.9
    assert (own.root / "data/plots/pets_knn/pictures/neighbours.png").exists()
    page = (own.root / "data/report/index.html").read_text("utf-8")
    assert "b&#34;o,x 📦" in page

    looks = (own.root / "data/ledger/pets.csv").read_bytes()
    (own.root / "params.yaml").write_text(
        (own.root / "params.yaml").read_text("utf-8").replace("coverage: 0.95", "coverage: 0.5"),
        "utf-8",
    )
    calibrate.run("pets_cnn")
    evaluate.run("pets_cnn")
    again = json.loads((own.root / "data/metrics/pets_cnn.json").read_text())
    assert again["coverage_asked"] == 0.5
    assert (own.root / "data/ledger/pets.csv").read_bytes() == looks  # no look at another model

    done = cli("predict", "pets_cnn", "photos", "--json", "--top", "2")
    assert done.returncode == 1  # two pictures are broken
    said = json.loads(done.stdout)
    assert len(said) == 122
    assert sum(p["error"] is not None for p in said) == 2
    assert "cannot be read: photos/round things/broken.jpg: " in done.stderr
    sound = [p for p in said if not p["error"]]
    right = np.mean([p["classes"][0] in p["file"] for p in sound])
    assert right > 0.9
    assert all(sum(p["probabilities"]) == pytest.approx(1, abs=1e-4) for p in sound)


def test_a_prediction_is_a_table_or_csv_for_every_family(own, cli, draw):
    for stage in (download, prepare, split, check):
        stage.run("pets")
    train.run("pets_knn")
    calibrate.run("pets_knn")
    draw("circle", seed=9).save("new.png")
    Image.new("L", (5, 300)).save("odd.tiff")
    table = cli("predict", "pets_knn", "new.png")
    assert table.returncode == 0
    assert "round things" in table.stdout
    listed = cli("predict", "pets_knn", "new.png", "odd.tiff", "--csv", "--top", "9")
    rows = list(csv.DictReader(io.StringIO(listed.stdout)))
    assert [(r["file"], r["rank"]) for r in rows] == [
        ("new.png", "1"), ("new.png", "2"), ("odd.tiff", "1"), ("odd.tiff", "2"),
    ]  # fmt: skip


def test_a_model_sees_new_pictures_as_it_saw_its_training_pictures(own):
    for stage in (download, prepare, split, check):
        stage.run("pets")
    train.run("pets_knn")
    samples = read_table(own.root / "data/prepared/pets/samples.csv")
    classifier = load_classifier(own.root / "data/models/pets_knn", threads=1, memory_mib=64)
    files = [own.root / "data/raw/pets" / name for name in samples["id"]]
    packed = np.load(own.root / "data/prepared/pets/images.npy")
    decoded = [predict.decoded(file, classifier.recipe.prepare) for file in files]
    assert all(np.array_equal(a, b) for a, b in zip(decoded, packed, strict=True))


def test_paths_without_pictures_are_refused(workspace, tmp_path):
    with pytest.raises(StageError, match=r"no 'nowhere': expected a picture or a folder of pict"):
        predict.pictures([tmp_path.relative_to(tmp_path) / "nowhere"])
    with pytest.raises(StageError, match=r"no 'a{300}': expected a picture or a folder of pict"):
        predict.pictures([Path("a" * 300)])
    (tmp_path / "empty").mkdir()
    with pytest.raises(StageError, match=r"no file in .*empty: expected pictures"):
        predict.pictures([tmp_path / "empty"])


def test_of_many_pictures_only_a_few_are_in_memory(own, draw):
    for stage in (download, prepare, split, check):
        stage.run("pets")
    train.run("pets_knn")
    calibrate.run("pets_knn")
    folder = own.root / "data/models/pets_knn"
    classifier = load_classifier(folder, threads=1, memory_mib=64)
    found = read_calibration(path_of("pets_knn"), digest_of_model(folder))
    draw("circle", seed=9).save("new.png")
    asked = []

    class Counting:
        recipe, learned_by_heart = classifier.recipe, True

        def probabilities(self, images):
            asked.append(len(images))
            return classifier.probabilities(images)

    predictions = predict.predict(Counting(), found, [own.root / "new.png"] * 1000, top=1)
    assert next(predictions).classes[0] == "round things"
    assert asked == [predict.BATCH]
    assert len(list(predictions)) == 999
    assert sum(asked) == 1000


def test_every_form_shows_all_of_many_pictures_and_says_how_fast(own, cli, draw):
    for stage in (download, prepare, split, check):
        stage.run("pets")
    train.run("pets_knn")
    calibrate.run("pets_knn")
    (own.root / "new").mkdir()
    for i in range(300):
        draw("circle", seed=i).save(own.root / "new" / f"{i:03}.png")
    for form in (["--json"], ["--csv"], []):
        done = cli("predict", "pets_knn", "new", *form)
        assert done.returncode == 0
        assert re.search(r"300 in \d+\.\d s: [\d,]+ a second", done.stderr)
        assert all(f"new/{i:03}.png" in done.stdout for i in range(300))
        assert done.stdout.count("picture ") == (not form)
        if form == ["--json"]:
            whole = json.dumps(json.loads(done.stdout), indent=2, ensure_ascii=False)
            assert done.stdout == whole + "\n"


@pytest.mark.parametrize("form", [["--json"], ["--csv"], []])
def test_a_name_that_is_no_unicode_is_shown_wherever_it_goes(own, cli, draw, form, monkeypatch):
    for stage in (download, prepare, split, check):
        stage.run("pets")
    train.run("pets_knn")
    calibrate.run("pets_knn")
    (own.root / "new").mkdir()
    draw("circle", seed=1).save(own.root / "new" / "a.png")
    os.rename(own.root / "new" / "a.png", os.fsencode(own.root / "new") + b"/odd-\xff.png")
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    done = cli("predict", "pets_knn", "new", *form)
    assert done.returncode == 0
    assert r"odd-\udcff.png" in done.stdout
