"""Find images that are copies of one another, exact or nearly so."""
