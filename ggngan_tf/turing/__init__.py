"""The visual Turing test: packs, a web reader and its statistics."""
