"""Values on a command line that cannot be meant."""

from argparse import ArgumentTypeError

import pytest

from tasks.arguments import at_least


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_a_number_that_is_too_low_or_none_is_refused(text):
    with pytest.raises(ArgumentTypeError, match=f"number of at least 1, got '{text}'"):
        at_least(1)(text)
    assert [at_least(1)("1"), at_least(0)("0"), at_least(1)("25")] == [1, 0, 25]


@pytest.mark.parametrize("most", ["-1", "0"])
def test_a_sheet_of_no_pictures_is_refused(cli, most):
    done = cli("suspect", "digits_knn", "--most", most)
    assert done.returncode == 2
    said = f"argument --most: expected a whole number of at least 1, got '{most}'"
    assert done.stderr.splitlines()[-1].endswith(said)
