"""From a set of nodules to a trained generator."""
