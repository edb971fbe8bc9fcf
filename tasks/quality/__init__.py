"""What is wrong with a dataset: copies, leaks between splits, odd pictures, missing classes."""
