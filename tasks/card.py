"""Write the card of a model: its facts, for those who get it without this project.

python -m tasks.card mnist_cnn                      # to the terminal
python -m tasks.card mnist_cnn --output README.md   # beside the model, for a model hub
"""

import sys
from pathlib import Path

from tasks.params import load_params
from tasks.report.card import card
from tasks.stage import errors_in_one_line, written
from tasks.stage.command import own_parser


def main() -> None:
    """Write the card that the command line asks for."""
    parser = own_parser()
    parser.add_argument("experiment", help="an experiment of params.yaml")
    parser.add_argument("--output", type=Path, metavar="FILE", help="instead of the terminal")
    arguments = parser.parse_args()
    with errors_in_one_line():
        text = card(load_params(), arguments.experiment)
        if arguments.output:
            written(arguments.output, text)
        else:
            sys.stdout.write(text)


if __name__ == "__main__":
    main()
