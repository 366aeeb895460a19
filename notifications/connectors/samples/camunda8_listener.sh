curl $CAMUNDA/v2/global-task-listeners -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -d '{"id": "wfpush", "type": "wfpush", "eventTypes": ["creating", "assigning", "updating", "completing", "canceling"], "retries": 3}'
