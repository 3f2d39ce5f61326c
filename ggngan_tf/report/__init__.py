"""Pages that people read: the building blocks, and the report of a comparison."""

from ggngan_tf.report.blocks import (
    Figure,
    Gallery,
    Section,
    Table,
    Text,
    data_uri,
    page,
    picture,
)

__all__ = ["Figure", "Gallery", "Section", "Table", "Text", "data_uri", "page", "picture"]
