// Answers on their way. Each is stored before it is sent and carries one key for good, so that it counts once however often
// it is sent; it goes when the server has said what became of it.

import { allStored, person, store, unstore } from "../store.js";
import { tellPages } from "./pages.js";
import { freshToken } from "./shell.js";
import { say } from "./showing.js";
import { outcomeWords } from "./speaking.js";

const PATIENCE = 20_000;  // milliseconds

/** Send what waits, one worker or page at a time. Returns what is left: key → the reply. */
export const sendAnswers = () =>
  navigator.locks.request("wfpush answers", async () => {
    const waiting = (await allStored("answers")).filter(({ ended }) => !ended);
    const left = new Map();
    for (const answer of waiting.sort((one, other) => one.at - other.at)) {
      const reply = await sent(answer);
      if (reply) left.set(answer.key, reply);
    }
    return left;
  });

/** The browser wakes us when there is a connection; elsewhere the next message or page does. */
export const sendLater = () => self.registration.sync?.register("answers").catch(() => {});

/** null when the answer has ended, else the reply that leaves it waiting. */
async function sent(answer) {
  let reply = await replyTo(answer);
  if (reply.body.code === "csrf_failed") reply = await replyTo({ ...answer, csrf: await freshToken() });
  const signedOut = reply.status === 401 || reply.body.code === "csrf_failed";
  if (signedOut) await tellPages({ type: "signed-out" });
  if (signedOut || !reply.status || reply.status >= 500 || reply.status === 429) return reply;
  await ended(answer, reply);
  return null;
}

/** {status, body}; a status of 0 when nobody answered. */
export async function replyTo({ id, key, token, csrf, action, comment }) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...(token ? {} : { "X-CSRFToken": csrf }) };
  try {
    const response = await fetch(token ? "/api/v1/responses" : `/api/v1/notifications/${id}/responses`, {
      method: "POST", headers, credentials: token ? "omit" : "same-origin", signal: AbortSignal.timeout(PATIENCE),
      body: JSON.stringify(token ? { token, action, comment } : { action, comment }),
    });
    return { status: response.status, body: await response.json().catch(() => ({})) };
  } catch {
    return { status: 0, body: {} };
  }
}

/**
 * Say what became of it where it was asked: on its notification, or on the page if one is seen, else in a notification. What
 * did not count, and nobody has seen, stays for the next page to tell.
 */
async function ended(answer, reply) {
  const { timezone } = await person(), text = outcomeWords(answer, reply, timezone);
  const { token, csrf, ...told } = answer;
  const seen = await tellPages({ type: "answered", answer: told, ...reply });
  if (token || !seen) await noted(answer, text);
  if (token || seen || reply.status < 300) await unstore("answers", answer.key);
  else await store("answers", { ...told, ended: reply });
}

async function noted(answer, text) {
  if (self.Notification?.permission !== "granted") return;
  const shown = (await self.registration.getNotifications()).find(({ data }) => data?.id === answer.id);
  const { id, heading, lang, at } = answer;
  await say(answer.note ?? shown?.data ?? { id, tag: id, title: heading, lang, at, link: `/n/${id}` }, text);
}
