"""The generators that ship with the package, in the layout of TensorFlow Serving."""
