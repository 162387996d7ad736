"""Record what is known of each file of a data set, between runs too, and set bad files aside."""
