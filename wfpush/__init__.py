"""wfpush connects workflow engines with the people they wait for."""
