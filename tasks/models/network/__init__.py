"""Networks: Keras on any backend; the only place that imports it."""
