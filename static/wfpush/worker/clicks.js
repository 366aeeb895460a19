// A notification is pressed: a button answers without opening anything, unless it needs words; everything else opens the item.

import { person, store } from "../store.js";
import { hears, openPages, tellPages } from "./pages.js";
import { replyTo, sendAnswersTo, sendLater } from "./sending.js";
import { say } from "./showing.js";
import { outcomeWords, speaking } from "./speaking.js";

const PROMPTLY = 2_000;  // milliseconds after which people press again if nothing happens
const PAUSES = [1_000, 2_500];  // milliseconds before each check whether the engine has the answer

/** `reply`: what was typed into the notification, where the system has a field for it (Android). */
export async function clicked(notification, action, reply = "") {
  const data = notification.data ?? {};
  const offered = (data.actions ?? []).find((each) => each.action === action);
  notification.close();
  const words = reply?.trim() ?? "";
  const needs = offered && (offered.signature || offered.values === "required" || (offered.comment === "required" && !words));
  if (!offered || !data.token || needs) return openItem(addressOf(data, offered));
  return answered(data, offered, offered.comment === "none" ? "" : words);
}

/** The address of the item, always on this site, whatever the message contains. */
export function addressOf({ link = "/", test }, offered) {
  if (test) return "/devices";
  const { pathname, searchParams } = new URL(link, self.location.href);
  if (offered) searchParams.set("answer", offered.action);
  const query = String(searchParams);
  return pathname + (query && `?${query}`) + (offered ? "#comment" : "");
}

/** Show a page of the inbox: in one that is open and awake, else in a new window. */
async function openItem(address) {
  for (const page of await openPages()) {
    try {
      await page.focus();
      if (await hears(page, { type: "open", address })) return null;
    } catch {
      break;  // not allowed to bring a window to the front: open a new one
    }
  }
  return self.clients.openWindow(address);
}

async function answered(data, { action, title }, comment) {
  const { ref, timezone, customer } = await person();
  const answer = {
    key: crypto.randomUUID(), id: data.id, action, title, comment, token: data.token, revision: data.revision, ref, lang: data.lang, note: data,
    at: Date.now(), customer,
  };
  await store("answers", answer);  // first, so that the answer is sent even if this worker is ended
  const sending = sendAnswersTo(data.id);
  if (await isSlow(sending)) await waits(answer, "still_sending");
  const left = (await sending).get(answer.key);
  if (!left) return followed(answer, timezone);
  await waits(answer, left.status ? "sent_again" : "will_be_sent");
  return sendLater(data.id);
}

const isSlow = (sending) =>
  Promise.race([sending.then(() => false), new Promise((late) => setTimeout(late, PROMPTLY, true))]);

/** Show it on the notification, and on open pages. */
async function waits({ note, token, ...answer }, key) {
  await say(note, speaking(note.lang).say(key));
  await tellPages({ type: "waiting", answer });
}

/** Sending the same answer again has no second effect; the reply says whether the engine has it. */
async function followed(answer, timezone) {
  for (const pause of PAUSES) {
    await new Promise((wake) => setTimeout(wake, pause));
    const reply = await replyTo(answer);
    if (reply.status !== 200) return;
    if (reply.body.engine !== "waiting") return void (await say(answer.note, outcomeWords(answer, reply, timezone)));
  }
}
