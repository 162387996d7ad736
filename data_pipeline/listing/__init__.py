"""List the labelled files of a data set, from folders or from a table, without opening an image."""
