"""What this machine has, what is stale, and what is safe to do about it."""
