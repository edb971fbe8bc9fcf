"""Whether a commit's results come out again, byte for byte, in a clean clone of it."""
