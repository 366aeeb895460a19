"""A real BPMN engine beside wfpush: runs sample processes and speaks only wfpush's public API."""
