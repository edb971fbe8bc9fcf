"""What the report says, and how: results, verdicts, pictures, and the page around them."""
