"""How each stage of the pipeline works; `dvc.yaml` says what depends on what."""
