// Answers on their way. Each is stored before it is sent and carries one key for good, so that it counts once however often
// it is sent; it goes when the server has said what became of it.

import { NOBODY, finish, isFinal, posted, withoutOthers } from "../posting.js";
import { allStored, person } from "../store.js";
import { tellPages } from "./pages.js";
import { freshToken } from "./shell.js";
import { removedHere, say, showChanged } from "./showing.js";
import { outcomeWords } from "./speaking.js";

const AGAIN = [3_000, 6_000, 12_000, 24_000];  // milliseconds before each further try while an event keeps us awake

const underWay = new Map();  // item → what will be left of its answers

/** Send what waits: all items at once, the answers to one of them in the order they were given. Returns what is left: key → the reply. */
export async function sendAnswers() {
  const items = new Set((await waiting()).map(({ id }) => id));
  const left = await Promise.all([...items].map(sendAnswersTo));
  return new Map(left.flatMap((each) => [...each]));
}

/** The same for one item. Who asks while its answers are on their way waits for these. */
export function sendAnswersTo(id) {
  if (!underWay.has(id)) underWay.set(id, withoutOthers(id, () => inOrder(id)));
  return underWay.get(id);
}

async function inOrder(id) {
  const left = new Map(), tried = new Set();
  try {
    for (;;) {
      const answer = (await waiting()).find((each) => each.id === id && !tried.has(each.key));
      if (!answer) return left;
      tried.add(answer.key);
      const reply = left.size ? NOBODY : await sent(answer).catch(() => NOBODY);  // none overtakes the one before
      if (reply) left.set(answer.key, reply);
    }
  } finally {
    underWay.delete(id);  // at once: who has stored one more since begins anew
  }
}

async function waiting() {
  const answers = (await allStored("answers")).filter(({ ended }) => !ended);
  return answers.sort((one, other) => one.at - other.at);
}

/**
 * The browser wakes us when there is a connection, if it lets us ask for that: Chromium does while a page is open, others
 * have no such thing. So we try again ourselves for as long as we may stay awake; then the next message or page does.
 */
export async function sendLater(id) {
  await self.registration.sync?.register("answers").catch(() => {});
  for (const pause of AGAIN) {
    await new Promise((wake) => setTimeout(wake, pause));
    if ((await sendAnswersTo(id)).size === 0) return;
  }
}

/** null when the answer has ended, else the reply that leaves it waiting. */
async function sent(answer) {
  const reply = await replyTo(answer), signedOut = isSignedOut(reply);
  if (signedOut) await tellPages({ type: "signed-out" });
  if (signedOut || !isFinal(reply)) return reply;
  await ended(answer, reply);
  return null;
}

const isSignedOut = ({ body }) => body.code === "unauthenticated" || body.code === "csrf_failed";

/**
 * {status, body}; a status of 0 when nobody answered. What was pressed on a notification is answered with its token and in no
 * other way: whoever finds a lost phone, removed but not yet signed out, must not answer by the session that is still there.
 */
export const replyTo = (answer) => (answer.token ? posted(answer) : replyToPerson(answer));

async function replyToPerson(answer) {
  const reply = await posted(answer);
  return reply.body.code === "csrf_failed" ? posted({ ...answer, csrf: await freshToken() }) : reply;
}

/**
 * Say what became of it where it was asked: on its notification, or on the page if one is seen, else in a notification. What
 * did not count stays until a page has told it, unless its notification did.
 */
async function ended(answer, reply) {
  const { token, csrf, ...rest } = answer, stays = reply.status >= 300 && (!token || ["device", "token"].includes(reply.body.ended));
  await finish(answer, reply, { stays });
  const seen = await tellPages({ type: "answered", answer: rest, ...reply });
  if (token || !seen) await noted(answer, reply).catch(() => {});  // what came of it is recorded all the same
  await leaveIfRemoved(answer, reply);
}

/** The server says that the device is gone: if this browser still takes itself for it, nobody has told it yet. */
async function leaveIfRemoved({ note, device = note?.device }, { body }) {
  const here = await person();
  if (body.ended === "device" && device && device === here.device) await removedHere(here.language);
}

async function noted(answer, reply) {
  if (self.Notification?.permission !== "granted") return;
  if (answer.token && reply.body.code === "changed" && reply.body.notification) return showChanged(reply.body, answer.customer);
  const { timezone } = await person(), text = outcomeWords(answer, reply, timezone);
  const { id, heading, lang, at } = answer;
  await say(answer.note ?? (await shownOf(id)) ?? { id, tag: id, title: heading, lang, at, link: `/n/${id}` }, text);
}

/** From what we remember: a browser that is asked what it shows may lose what it is about to show (showing.js, `appears`). */
const shownOf = async (id) => (await allStored("shown")).find(({ options }) => options.data?.id === id)?.options.data;
