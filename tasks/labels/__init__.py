"""Labels that may be wrong: which they are, how a person reviews them, and what is put right."""
