"""The commands, one thin file a group; installed as `ggngan_tf.cli`."""
