"""Does it help? Classifiers with and without synthetic nodules, as a graph of tasks."""
