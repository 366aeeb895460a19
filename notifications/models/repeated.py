"""What traces and actions have in common, one after the other: words for packing them (wfpush/postgres/packed.py).

Rows are stored by these texts, so they are never changed, whatever traces and buttons say by now.
"""

from wfpush.postgres.packed import Words

TRACE = Words(
    "t1",
    '"notes":[""],"notes_facts":[{"code":"older_event"}],"notes":["Older than what was known of the task: kept, changes'
    ' nothing."]"warnings":["","warnings_facts":[{"code":"missing_value","name":" is missing; “—” stands in its place."'
    '"unresolved":[{"ref":"","reason":"unknown","reason_fact":{"code":"unknown"}}]"more":"reason":"named by the event",'
    '"reason_fact":{"code":"named_by_event"}"reason":"follows the case","reason_fact":{"code":"follows"}"reason":"candi'
    'date","reason_fact":{"code":"candidate"}"reason":"manager of ","reason_fact":{"code":"manager","name":"reason":"me'
    'mber of team ","reason_fact":{"code":"member","name":"reason":"lead of team ","reason_fact":{"code":"lead","name":'
    '"reason":"delegate of  (away)","reason_fact":{"code":"delegate","name":"","reason":{"code":"away"}}"reason":"chang'
    'ed in place","reason_fact":{"code":"changed_in_place"}"reason":"Completed in the engine","reason_fact":{"code":"co'
    'mpleted"}"reason":"Reassigned to ","reason_fact":{"code":"reassigned_to","name":"reason":"not for ","reason_fact":'
    '{"code":"not_for","type":"case.status_changed"}},{"reason":"only for events of ","reason_fact":{"code":"of_engine"'
    ',"engine":"{"code":"conditions","conditions":[{"code":"condition_missing","condition":" does not hold: it is missi'
    'ng task.updated","task.info_supplied","task.completed","exception.raised","request.status_changed","variables.amou'
    'nt is more than is at least is less than is at most {"channel":"sms","to":"+49","turn":1,"state":"pending","reason'
    '":"","reason_fact":null},{"channel":"appworks","to":"","turn":1,"state":"pending","reason":"","reason_fact":null},'
    '{"channel":"fcm","to":"","turn":0,"state":"suppressed","reason":"No app is registered.","reason_fact":{"code":"fcm'
    '_no_app"}},{"channel":"email","to":"@example.com","turn":1,"state":"pending","reason":"","reason_fact":null}]}],'
    '{"routes":[{"route":1,"name":"","matched":false,"reason_fact":{"code":"condition_differs","condition":"task.kind '
    'is ","value":"“”"}},{"route":2,"name":"","matched":true,"reason_fact":{"code":"is_type","type":"task.assigned"}}]'
    ',"recipients":[{"ref":"","name":"","recipient":1,"route":"","reason":"assignee","reason_fact":{"code":"assignee"}'
    ',"notification":"019","title":"","channels":[{"channel":"live","to":"","turn":0,"state":"delivered","reason":"","'
    'reason_fact":null},{"channel":"webpush","to":"Chrome on Windows","turn":0,"state":"pending","reason":"","reason_f'
    'act":null},{"channel":"webpush","to":"","turn":0,"state":"suppressed","reason":"No browser is registered.","reaso'
    'n_fact":{"code":"webpush_no_browser"}},{"channel":"email","to":"","turn":0,"state":"suppressed","reason":"No e-ma'
    'il address is known.","reason_fact":{"code":"email_no_address"}}]}],"untried":{"stopped_by":"","routes":[[4,""],['
    '5,""],[6,""],[7,""],[8,""],[9,""],[10,""],[11,""],[12,""]]}}',
)

ACTIONS = Words(
    "a1",
    '"action":"complete","title":"Mark as done","Als erledigt melden""action":"resolve","title":"Mark as solved","Als g'
    'elöst melden""action":"confirm","title":"Confirm","Bestätigen""action":"return","title":"Send back","Zurückgeben""'
    'action":"resubmit","title":"Submit again","Erneut einreichen""action":"answer","title":"Send the answer","Antwort '
    'senden""action":"report","title":"Send the report","Bericht senden""action":"retry","title":"Try again","Erneut ve'
    'rsuchen""action":"skip","title":"Skip","Überspringen""action":"escalate","title":"Escalate","Eskalieren""action":"'
    'withdraw","title":"Withdraw","Zurückziehen""action":"cancel","title":"Cancel it","Abbrechen""action":"accept","tit'
    'le":"Accept","Annehmen""action":"decline","title":"Decline","Ablehnen""effect":"final","comment":"none","labels":{'
    '"fr":"","es":"","it":"","title":"Zur Kenntnis nehmen","title":"Genehmigen","title":"Ablehnen","title":"Rückfrage s'
    'tellen"},{"action":"request_info","title":"Ask for information","effect":"request_info","comment":"required"},{"ac'
    'tion":"acknowledge","title":"Acknowledge","effect":"acknowledge","comment":"none"},[{"action":"approve","title":"A'
    'pprove","effect":"final","comment":"optional"},{"action":"reject","title":"Reject","effect":"final","comment":"req'
    'uired","labels":{"de":"Ablehnen","en":"Reject","":"Reject"}},{"action":"request_info","title":"Ask for information'
    '","effect":"request_info","comment":"required","labels":{"de":"Rückfrage stellen","en":"Ask for information","":"A'
    'sk for information"}}][{"action":"acknowledge","title":"Acknowledge","effect":"acknowledge","comment":"none","labe'
    'ls":{"de":"Zur Kenntnis nehmen","en":"Acknowledge","":"Acknowledge"}},{"action":"approve","title":"Approve","effec'
    't":"final","comment":"optional","labels":{"de":"Genehmigen","en":"Approve","":"Approve"}},{"action":"reject","titl'
    'e":"Reject","effect":"final","comment":"required","labels":{"de":"Ablehnen","en":"Reject","":"Reject"}},{"action":'
    '"request_info","title":"Ask for information","effect":"request_info","comment":"required","labels":{"de":"Rückfrag'
    'e stellen","en":"Ask for information","":"Ask for information"}}]',
)

TASK = Words(
    "d1",
    '"exception":{"code":"","summary":"","severity":"error","recommended_action":""},"severity":"critical","severity":"'
    'warning","result":{"action":"approve","by":{"ref":"","name":""},"at":"2026-"}},"location":{"address":"","lat":,"lo'
    'n":},"customer":{"ref":"","name":"","phone":"+49","email":"@"},"documents":[{"title":"","url":"https://"},{"title"'
    ':"","url":"https://"}],"recipients":[""],"info":"","teams":[""],"candidates":[""],"answer_variables":[""],"kind":"'
    'exception","kind":"field","actions":["complete","request_info"]"expires_at":"2026-","due_at":"2026-12-01T00:00:00Z'
    '","due_at":"2027-01-01T08:00:00+01:00","priority":"urgent","priority":"high","priority":"low","priority":"normal",'
    '"initiator":"","url":"https://","case":{"id":"","title":"","type":"","status":"","url":"https://"},"variables":{"a'
    'mount":100.0,"currency":"EUR","actions":["approve","reject"]{"task":{"id":"","name":"","description":"","kind":"ap'
    'proval","assignee":"","actions":["acknowledge","approve","reject","request_info"]},"case":{"id":"","title":""},"va'
    'riables":{"amount":,"currency":"EUR"}}',
)
