// Answers on their way. Each is stored before it is sent and carries one key for good, so that it counts once however often
// it is sent; it goes when the server has said what became of it.

import { allStored, person, store, unstore } from "../store.js";
import { tellPages } from "./pages.js";
import { freshToken } from "./shell.js";
import { say } from "./showing.js";
import { outcomeWords } from "./speaking.js";

const PATIENCE = 20_000;  // milliseconds
const NOBODY = { status: 0, body: {} };

/** Send what waits, one worker or page at a time. Returns what is left: key → the reply. */
export const sendAnswers = () =>
  navigator.locks.request("wfpush answers", async () => {
    const waiting = (await allStored("answers")).filter(({ ended }) => !ended);
    const left = new Map();
    for (const answer of waiting.sort((one, other) => one.at - other.at)) {
      const reply = await sent(answer).catch(() => NOBODY);  // what is wrong with one holds up no other
      if (reply) left.set(answer.key, reply);
    }
    return left;
  });

/** The browser wakes us when there is a connection; elsewhere the next message or page does. */
export const sendLater = () => self.registration.sync?.register("answers").catch(() => {});

/** null when the answer has ended, else the reply that leaves it waiting. */
async function sent(answer) {
  const reply = await replyTo(answer), signedOut = isSignedOut(reply);
  if (signedOut) await tellPages({ type: "signed-out" });
  if (signedOut || !isFinal(reply)) return reply;
  await ended(answer, reply);
  return null;
}

const isSignedOut = ({ body }) => body.code === "unauthenticated" || body.code === "csrf_failed";

/** Only our server's word ends an answer, not the page of a proxy that is in the way. */
const isFinal = ({ status, body }) => Boolean(body.id || body.code) && status < 500 && status !== 429;

/** {status, body}; a status of 0 when nobody answered. */
export const replyTo = (answer) => (answer.token ? replyToToken(answer) : replyToPerson(answer));

/** The token of a device that has gone counts no more. Whoever is signed in here may answer all the same. */
async function replyToToken(answer) {
  const reply = await posted(answer), { ref, csrf } = await person();
  if (reply.body.code !== "expired") return reply;
  const own = ref === answer.ref ? await replyToPerson({ ...answer, token: "", csrf }) : null;
  return own && !isSignedOut(own) ? own : { status: reply.status, body: { code: "token_expired" } };
}

async function replyToPerson(answer) {
  const reply = await posted(answer);
  return reply.body.code === "csrf_failed" ? posted({ ...answer, csrf: await freshToken() }) : reply;
}

async function posted({ id, key, token, csrf, action, comment }) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key, ...(token ? {} : { "X-CSRFToken": csrf }) };
  try {
    const response = await fetch(token ? "/api/v1/responses" : `/api/v1/notifications/${id}/responses`, {
      method: "POST", headers, credentials: token ? "omit" : "same-origin", signal: AbortSignal.timeout(PATIENCE),
      body: JSON.stringify(token ? { token, action, comment } : { action, comment }),
    });
    return { status: response.status, body: (await response.json().catch(() => null)) ?? {} };
  } catch {
    return NOBODY;
  }
}

/**
 * Say what became of it where it was asked: on its notification, or on the page if one is seen, else in a notification. What
 * did not count stays until a page has told it, unless its notification did.
 */
async function ended(answer, reply) {
  const { token, csrf, ...told } = answer, stays = reply.status >= 300 && (!token || reply.body.code === "token_expired");
  if (stays) await store("answers", { ...told, ended: reply });
  else await unstore("answers", answer.key);
  const seen = await tellPages({ type: "answered", answer: told, ...reply });
  if (token || !seen) await noted(answer, reply).catch(() => {});  // what came of it is recorded all the same
}

async function noted(answer, reply) {
  if (self.Notification?.permission !== "granted") return;
  const { timezone } = await person(), text = outcomeWords(answer, reply, timezone);
  const shown = (await self.registration.getNotifications()).find(({ data }) => data?.id === answer.id);
  const { id, heading, lang, at } = answer;
  await say(answer.note ?? shown?.data ?? { id, tag: id, title: heading, lang, at, link: `/n/${id}` }, text);
}
