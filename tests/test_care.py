import re

import pytest

from flows.care import Care, read_care
from tasks.stage import StageError


def test_everything_that_a_stage_may_ask_for():
    meta = {"retries": 3, "retry_delay_s": 0.5, "timeout_s": 60, "resource": "gpu"}
    assert read_care("train", meta).model_dump() == meta


@pytest.mark.parametrize("meta", [None, {}, {"x-owner": "Maria", "x-cost": {"eur": 3}}])
def test_keys_for_others_mean_nothing_to_a_flow(meta):
    assert read_care("train", meta) == Care(retries=0, retry_delay_s=0, timeout_s=None)


@pytest.mark.parametrize(
    ("meta", "complaint"),
    [
        ({"retires": 3}, "meta of 'train': unknown key 'retires': did you mean 'retries'? "
            "A key that is for others begins with 'x-'."),
        ({"owner": "Maria"}, "meta of 'train': unknown key 'owner': expected one of: retries, "
            "retry_delay_s, timeout_s, resource. A key that is for others begins with 'x-'."),
        ({"retries": -1}, "meta.retries of 'train': Input should be greater than or equal to 0, "
            "got -1."),
        ({"timeout_s": 0}, "meta.timeout_s of 'train': Input should be greater than 0, got 0."),
        ({"timeout_s": float("nan")}, "meta.timeout_s of 'train': Input should be a finite number, "
            "got nan."),
        ({"timeout_s": "1 h"}, "meta.timeout_s of 'train': Input should be a valid number, unable "
            "to parse string as a number, got '1 h'."),
        ({"resource": ["gpu"]}, "meta.resource of 'train': Input should be a valid string, "
            "got ['gpu']."),
        ([3], "meta of 'train': Input should be a valid dictionary or instance of Care, got [3]."),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_named_with_its_stage(meta, complaint):
    with pytest.raises(StageError, match="^" + re.escape(f"dvc.yaml, {complaint}") + "$"):
        read_care("train", meta)


def test_a_resource_without_a_possible_lease_is_refused():
    with pytest.raises(StageError, match=r"resource '\.\./gpu' in dvc\.yaml: expected small"):
        read_care("train", {"resource": "../gpu"})
