"""Routes with their conditions and targets, four-eyes rules, lists for cases, and the dry run."""
