// Sending one answer to the server, and the end of its row on this device. Shared by page and service worker, which never
// send answers to one item at the same time.

import { dropDraft, store, stored, unstore } from "./store.js";
import { sendWithFiles } from "./uploads.js";

const PATIENCE = 20_000, FILE_PATIENCE = 120_000;  // milliseconds for an answer, and for all its files

export const NOBODY = { status: 0, body: {} };

/** Only our server's word ends an answer, not the page of a proxy that is in the way. */
export const isFinal = ({ status, body }) => Boolean(body.id || body.code) && status < 500 && status !== 429;

/** Do `work` while nobody else sends answers to the item. Pages without https have no locks, and no worker beside them. */
export const withoutOthers = (id, work) => navigator.locks ? navigator.locks.request(`wfpush answers ${id}`, work) : work();

/** Whether the answer is still to be sent. */
export const isWaiting = async (key) => {
  const row = await stored("answers", key);
  return Boolean(row && !row.ended);
};

/** The reply, {status, body}, to an answer with a `token`, or with the `csrf` token of its person's session; a status of 0: none came. */
export async function posted(answer) {
  try {
    return await sendWithFiles(answer, { "X-CSRFToken": answer.csrf }, () => postAnswer(answer), AbortSignal.timeout(FILE_PATIENCE));
  } catch {
    return NOBODY;
  }
}

/**
 * `revision`: of the content that its person was shown. `device`: which device this browser was when the answer was given; the
 * server refuses it once that was removed.
 */
async function postAnswer({ id, key, token, csrf, device, action, revision, comment, to, values, attachments, signature }) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...(token ? {} : { "X-CSRFToken": csrf }) };
  const response = await fetch(token ? "/api/v1/responses" : `/api/v1/notifications/${id}/responses`, {
    method: "POST", headers, credentials: token ? "omit" : "same-origin", signal: AbortSignal.timeout(PATIENCE),
    body: JSON.stringify({
      action, comment, values, attachments, ...(revision ? { revision } : {}), ...(to ? { to } : {}),
      ...(token ? { token } : device ? { device } : {}), ...(signature ? { signature } : {}),
    }),
  });
  return { status: response.status, body: (await response.json().catch(() => null)) ?? {} };
}

/** The server has said what became of the answer: what did not count stays, if its words are still to be told. */
export async function finish(answer, reply, { stays }) {
  const { token, csrf, ...rest } = answer;
  if (stays) await store("answers", { ...rest, ended: reply });
  else await unstore("answers", answer.key);
  if (reply.status < 300 && answer.values) await dropDraft(answer.id);
}
