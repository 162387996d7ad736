"""List the files of a data set, decode them, and record what is known of each."""
