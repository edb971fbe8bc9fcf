"""Where datasets come from and how their formats are read: one reader per format."""
