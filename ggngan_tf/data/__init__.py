"""From scans and outlines to sets of nodules, and from there to batches."""
