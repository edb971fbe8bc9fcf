"""One picture or many: decoding, augmentation, and the table of samples."""
