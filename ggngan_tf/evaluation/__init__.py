"""How real do synthetic nodules look, measured."""
