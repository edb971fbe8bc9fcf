"""Check `params.yaml` and write the schema that editors read."""

import json
from pathlib import Path

from tasks.params import PARAMS, Params, load_params
from tasks.stage import errors_in_one_line, written

SCHEMA = Path("params.schema.json")

if __name__ == "__main__":
    with errors_in_one_line():
        load_params()
        written(SCHEMA, json.dumps(Params.model_json_schema(), indent=2) + "\n")
        print(f"{PARAMS} is valid; wrote {SCHEMA}.")
