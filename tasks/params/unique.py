"""YAML in which no key stands twice: the second would replace the first without a word."""

import yaml


class UniqueKeys(yaml.SafeLoader):
    """Load plain values, and refuse a mapping that has a key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Return a mapping.

        Raises:
            yaml.MarkedYAMLError: with the line of the second key.
        """
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"'{key.value}' stands there twice, expected once"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
