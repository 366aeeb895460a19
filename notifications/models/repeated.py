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

_ENGLISH_AND_GERMAN = Words(
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

ACTIONS = Words(
    "a2",
    '{"action":"complete","title":"Mark as done","effect":"final","comment":"optional","labels":{"de":"Als erledigt m'
    'elden","en":"Mark as done","es":"Marcar como hecho","fr":"Marquer comme fait","":"Mark as done"}}{"action":"reso'
    'lve","title":"Mark as solved","effect":"final","comment":"optional","labels":{"de":"Als gelöst melden","en":"Mar'
    'k as solved","es":"Marcar como resuelto","fr":"Marquer comme résolu","":"Mark as solved"}}{"action":"accept","ti'
    'tle":"Accept","effect":"final","comment":"optional","labels":{"de":"Annehmen","en":"Accept","es":"Aceptar","fr":'
    '"Accepter","":"Accept"}}{"action":"decline","title":"Decline","effect":"final","comment":"required","labels":{"d'
    'e":"Ablehnen","en":"Decline","es":"Declinar","fr":"Décliner","":"Decline"}}{"action":"confirm","title":"Confirm"'
    ',"effect":"final","comment":"optional","labels":{"de":"Bestätigen","en":"Confirm","es":"Confirmar","fr":"Confirm'
    'er","":"Confirm"}}{"action":"return","title":"Send back","effect":"final","comment":"required","labels":{"de":"Z'
    'urückgeben","en":"Send back","es":"Devolver","fr":"Renvoyer","":"Send back"}}{"action":"resubmit","title":"Submi'
    't again","effect":"final","comment":"optional","labels":{"de":"Erneut einreichen","en":"Submit again","es":"Pres'
    'entar de nuevo","fr":"Soumettre à nouveau","":"Submit again"}}{"action":"answer","title":"Send the answer","effe'
    'ct":"final","comment":"required","labels":{"de":"Antwort senden","en":"Send the answer","es":"Enviar la respuest'
    'a","fr":"Envoyer la réponse","":"Send the answer"}}{"action":"report","title":"Send the report","effect":"final"'
    ',"comment":"required","labels":{"de":"Bericht senden","en":"Send the report","es":"Enviar el informe","fr":"Envo'
    'yer le rapport","":"Send the report"}}{"action":"retry","title":"Try again","effect":"final","comment":"optional'
    '","labels":{"de":"Erneut versuchen","en":"Try again","es":"Intentar de nuevo","fr":"Réessayer","":"Try again"}}{'
    '"action":"skip","title":"Skip","effect":"final","comment":"required","labels":{"de":"Überspringen","en":"Skip","'
    'es":"Omitir","fr":"Passer","":"Skip"}}{"action":"escalate","title":"Escalate","effect":"final","comment":"option'
    'al","labels":{"de":"Eskalieren","en":"Escalate","es":"Escalar","fr":"Escalader","":"Escalate"}}{"action":"withdr'
    'aw","title":"Withdraw","effect":"final","comment":"optional","labels":{"de":"Zurückziehen","en":"Withdraw","es":'
    '"Retirar","fr":"Retirer","":"Withdraw"}}{"action":"cancel","title":"Cancel it","effect":"final","comment":"requi'
    'red","labels":{"de":"Abbrechen","en":"Cancel it","es":"Cancelar","fr":"Annuler","":"Cancel it"}}"effect":"final"'
    ',"comment":"none","labels":{"it":"","nl":"","pt":"","title":"Zur Kenntnis nehmen""title":"Genehmigen""title":"Ab'
    'lehnen""title":"Rückfrage stellen""title":"Tomar nota""title":"Aprobar""title":"Rechazar""title":"Pedir informac'
    'ión""title":"Prendre acte""title":"Approuver""title":"Refuser""title":"Demander des précisions"[{"action":"appro'
    've","title":"Approve","effect":"final","comment":"optional","labels":{"de":"Genehmigen","en":"Approve","es":"Apr'
    'obar","fr":"Approuver","":"Approve"}},{"action":"reject","title":"Reject","effect":"final","comment":"required",'
    '"labels":{"de":"Ablehnen","en":"Reject","es":"Rechazar","fr":"Refuser","":"Reject"}},{"action":"request_info","t'
    'itle":"Ask for information","effect":"request_info","comment":"required","labels":{"de":"Rückfrage stellen","en"'
    ':"Ask for information","es":"Pedir información","fr":"Demander des précisions","":"Ask for information"}}][{"act'
    'ion":"acknowledge","title":"Acknowledge","effect":"acknowledge","comment":"none","labels":{"de":"Zur Kenntnis ne'
    'hmen","en":"Acknowledge","es":"Tomar nota","fr":"Prendre acte","":"Acknowledge"}},{"action":"approve","title":"A'
    'pprove","effect":"final","comment":"optional","labels":{"de":"Genehmigen","en":"Approve","es":"Aprobar","fr":"Ap'
    'prouver","":"Approve"}},{"action":"reject","title":"Reject","effect":"final","comment":"required","labels":{"de"'
    ':"Ablehnen","en":"Reject","es":"Rechazar","fr":"Refuser","":"Reject"}},{"action":"request_info","title":"Ask for'
    ' information","effect":"request_info","comment":"required","labels":{"de":"Rückfrage stellen","en":"Ask for info'
    'rmation","es":"Pedir información","fr":"Demander des précisions","":"Ask for information"}}]',
    before=(_ENGLISH_AND_GERMAN,),
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
