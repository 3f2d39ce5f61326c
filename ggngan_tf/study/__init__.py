"""Do synthetic nodules help a classifier."""
