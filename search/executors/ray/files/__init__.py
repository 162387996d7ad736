"""Send files to the machines of a cluster and fetch them, in pieces that are checked."""
