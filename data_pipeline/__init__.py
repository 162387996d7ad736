"""A folder of labelled files in, checked and prepared pixels as `tf.data` out."""
