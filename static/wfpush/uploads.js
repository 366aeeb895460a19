// Files of an answer: their bytes lie beside it on this device until the server has taken it, since it may wait for a connection
// for longer than the server keeps files that nothing uses. Shared by page and service worker. Each has an id of its own, so
// that it counts once however often it is sent.

/**
 * The reply to an answer, which `post` sends once the server has its files, or the reply that stopped one of them. Files that
 * are not there any more by then are sent again. An answer is {files, attachments, values}; a file {id, name, blob, sent}.
 */
export async function sendWithFiles(answer, headers, post, signal) {
  const again = new Set();
  for (;;) {
    const stopped = await sendFiles(answer, headers, signal);
    if (stopped) return stopped;
    const reply = await post(), gone = refusedFiles(answer, reply).filter((file) => !again.has(file));
    if (!gone.length) return reply;
    for (const file of gone) {
      file.sent = false;
      again.add(file);
    }
  }
}

/** Send those that the server has not got yet, one by one. The reply that stopped it, or null when the server has all of them. */
async function sendFiles({ files = [] }, headers, signal) {
  for (const file of files.filter(({ sent }) => !sent)) {
    const response = await fetch(`/api/v1/attachments?id=${file.id}&name=${encodeURIComponent(file.name)}`, {
      method: "POST", headers: { ...headers, "Content-Type": "application/octet-stream" }, body: file.blob, signal,
    });
    if (!response.ok) return { status: response.status, body: (await response.json().catch(() => null)) ?? {} };
    file.sent = true;
  }
  return null;
}

/** The files that a refusal is about: it points at their ids, or at the field that has them. */
function refusedFiles({ files = [], attachments, values }, { status, body }) {
  if (status !== 422) return [];
  const at = (pointer) => pointer.split("/").slice(1).reduce((part, name) => part?.[name], { attachments, values });
  const named = new Set((body.errors ?? []).flatMap(({ pointer }) => at(pointer)));
  return files.filter(({ id, blob }) => blob && named.has(id));
}
