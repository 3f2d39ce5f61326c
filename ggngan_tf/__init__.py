"""Synthetic ground glass nodules in lung CT: train, insert, evaluate, serve."""

import importlib.metadata

__version__ = importlib.metadata.version("ggngan_tf")
