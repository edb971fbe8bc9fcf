"""Labels that a test spoiled, found among the real digits, and the sheet in a real browser."""

import json
import re

import numpy as np
import pytest

from tasks import check, download, prepare, split
from tasks.images.samples import train_rows, val_rows
from tasks.labels.corrections import LABELS, Correction, write_corrections
from tasks.labels.doubts import Doubt, write_doubts
from tasks.labels.folds import in_fold, out_of_fold, some, together
from tasks.stage import CHECKS, SCRATCH, StageError, written
from tasks.stage.tables import read_table
from tasks.suspect import SUSPECTS, run

from .browser import browse

KNN = {
    f"experiments.digits_knn.train.{name}": value
    for name, value in {"metrics": ["L2"], "ks": [5], "folds": 2}.items()
}


@pytest.fixture
def digits(workspace):
    """Prepare the digits, and have their neighbours found quickly."""
    workspace.write_params(KNN)
    for stage in (download, prepare, split):
        stage.run("digits")
    verdict = {"training": "allowed", "left_out": []}  # what `check` says, in seconds
    written(CHECKS / "digits" / "verdict.json", json.dumps(verdict))
    return workspace


@pytest.fixture
def spoiled(digits):
    """Prepare the digits with three wrong labels; return their ids."""
    rows = train_rows("digits")
    wrong = [
        Correction(rows.ids[i], rows.digests[i], was, rows.classes[(rows.labels[i] + 5) % 10])
        for i in (10, 400, 800)
        for was in [rows.classes[rows.labels[i]]]
    ]
    write_corrections(LABELS / "digits.csv", wrong)
    digits.write_params({"datasets.digits.labels": "data/labels/digits.csv", **KNN})
    for stage in (prepare, split, check):
        stage.run("digits")
    return {correction.id for correction in wrong}


def test_spoiled_labels_lead_the_sheet_and_a_person_can_decide_by_keyboard(
    spoiled, chromium, tmp_path
):
    run("digits_knn", folds=3, most=12)
    table = read_table(SUSPECTS / "digits_knn" / "labels.csv")
    assert spoiled <= set(table["id"])
    assert len(table) < 10  # of 1,439
    assert set(table["decision"]) == {""}
    assert not (SCRATCH / "suspect" / "digits_knn").exists()

    page = (SUSPECTS / "digits_knn" / "index.html").read_text("utf-8")
    assert not re.search(r"(?:src|href)=\"(?!data:)", page)
    enter = """<script>
      choice(cards[0]).focus();
      const key = new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true});
      choice(cards[0]).dispatchEvent(key);
      document.body.dataset.focused = cards.indexOf(document.activeElement.closest("li"));
      document.body.dataset.loaded = [...document.images].filter(i => i.naturalWidth).length;
      document.body.dataset.table = table();
    </script></body>"""
    tried = tmp_path / "tried.html"
    tried.write_text(page.replace("</body>", enter), "utf-8")
    seen = browse(chromium, tried.as_uri(), tmp_path / "profile")
    shown = len(table)
    assert f"1 of {shown} decided" in seen.stdout
    assert f'data-focused="1" data-loaded="{shown}"' in seen.stdout
    first = table.iloc[0]
    assert f"{first['id']},{first['digest']},{first['label']},{first['suggested']}" in seen.stdout
    assert f",{first['probability_of_suggested']},{first['suggested']}\n" in seen.stdout
    assert "CONSOLE" not in seen.stderr


def test_another_run_keeps_what_a_person_decided(digits, capsys):
    path, rows = SUSPECTS / "digits_knn" / "labels.csv", train_rows("digits")
    decided = [Doubt(rows.ids[i], rows.digests[i], "0", "1", "0.1", "0.9", "7") for i in (0, 1)]
    write_doubts(path, decided)
    path.write_text(path.read_text("utf-8"), "utf-8-sig", newline="\r\n")  # as Excel saves it
    run("digits_knn", folds=2, most=1)
    assert f"2 decisions kept that '{path}' had" in capsys.readouterr().out
    kept = read_table(path)
    assert len(kept) == 3
    assert kept["id"].tolist()[1:] == rows.ids[:2]
    assert kept["decision"].tolist() == ["", "7", "7"]
    page = (path.parent / "index.html").read_text("utf-8")
    assert re.findall('<option value="([^"]*)" selected>', page) == ["7", "7"]
    assert "The worst 1 are below" in page
    assert "Kept from before: 2 decisions, those on other pictures at the end." in page

    kept.assign(notes="blurred").to_csv(path, index=False)
    before = path.read_bytes()
    with pytest.raises(StageError, match=r"decision, notes: expected .* It was not overwritten"):
        run("digits_knn", folds=2, most=1)
    assert path.read_bytes() == before


def test_every_row_is_judged_once_and_copies_share_a_fold(spoiled):
    rows = together(train_rows("digits"), val_rows("digits"))
    assert (np.diff(rows.index) > 0).all()
    folds = [in_fold(rows, 0, 4, fold) for fold in range(4)]
    assert (np.sum(folds, axis=0) == 1).all()
    part = some(rows, folds[2])
    assert [rows.ids[i] for i in np.flatnonzero(folds[2])] == part.ids


def test_too_few_folds_or_pictures_are_refused(spoiled, workspace):
    with pytest.raises(StageError, match="--folds 1: expected at least 2"):
        run("digits_knn", folds=1, most=5)
    params = workspace.write_params()
    few = some(train_rows("digits"), np.arange(len(train_rows("digits"))) < 1)
    with pytest.raises(StageError, match=r"of 2 leaves \d rows to learn from"):
        out_of_fold(few, few, params.experiments["digits_knn"], params, 2, SCRATCH / "x")
