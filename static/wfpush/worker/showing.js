// A push message on the screen. Every one shows something, or browsers take the right to send away; and no message that comes
// late takes the place of a newer one.

import { SHOWING, forget } from "../forget.js";
import { allStored, person, store, stored, unstore } from "../store.js";
import { isInFront, tellPages } from "./pages.js";
import { changeLine } from "../sentences.js";
import { speaking } from "./speaking.js";

const ICON = "/static/wfpush/icons/192.png", BADGE = "/static/wfpush/icons/badge.png";
const MOST_REMEMBERED = 60;

export async function pushed({ data, notification, appBadge }) {
  const message = read(data) ?? declared(notification, appBadge);
  const { ref, language, device, customer } = await person().catch(() => ({ ref: "" }));
  if (message?.kind === "removed" && (!device || device === message.device)) return removedHere(message.lang);
  if (!message || message.kind === "removed" || ref === undefined) return nobodys(language, customer);
  count(message.unread);
  return show(noteOf(message, await isInFront(), await isKnown(message.tag)));
}

const isKnown = async (tag) => Boolean(await stored("shown", tag).catch(() => null));

function read(data) {
  try {
    const message = data.json();
    return message.tag && message.title ? message : null;
  } catch {
    return null;
  }
}

/** What a browser shows by itself, where it asks us first (Declarative Web Push): null where it declares nothing. */
function declared(notification, unread) {
  if (!notification?.title || !notification.data?.kind) return null;
  const { title, body, lang, tag, data } = notification;
  return { ...data, title, body, lang, tag, unread };
}

/** For whoever signed out, or made by nobody: it says nothing of what it holds. */
async function nobodys(language, customer) {
  await appears("wfpush", { body: speaking(language, customer).say("something_waits"), icon: ICON, badge: BADGE });
  const { ref } = await person().catch(() => ({ ref: "" }));
  if (ref === undefined) await (await self.registration.pushManager.getSubscription())?.unsubscribe();
}

const REMOVED = "removed";  // a tag

/**
 * This browser is its person's device no more. What it shows and keeps of them goes; an answer that still waits will never
 * be taken, and its notification says so.
 */
export async function removedHere(language) {
  const { say } = speaking(language), { ref } = await person().catch(() => ({}));
  const answers = await allStored("answers").catch(() => []);
  const refused = answers.filter(({ ended }) => !ended || ended.body.ended === "device");
  await shownPlainly(REMOVED, say("removed_title"), say("removed_body"));
  await forget(self.registration, REMOVED);
  for (const { key, heading, note } of refused) await shownPlainly(key, note?.title ?? heading, say("device_removed"));
  if (ref !== undefined) await tellPages({ type: "signed-out" });
}

const shownPlainly = (tag, title, body) =>
  appears(title, { tag, body, dir: "auto", icon: ICON, badge: BADGE, silent: true, data: { link: "/" } })
    .catch(() => {});  // where nobody may be shown anything, there is nothing to take away either

/**
 * What a message looks like: {tag, at, title, options}. A page in front has shown it already, so there is no second sound; but
 * the replacement of a message that this browser has missed is news.
 */
function noteOf(message, inFront, known) {
  const { tag, at, title, body = "", lang, icon } = message, open = message.state === "open";
  const quiet = inFront || Boolean(message.silent) || (message.kind === "replacement" && (known || !open));
  const options = {
    tag, body, lang, dir: "auto", timestamp: at, icon: icon || ICON, badge: BADGE, silent: quiet, renotify: !quiet,
    requireInteraction: open && message.priority === "urgent",
    actions: open ? buttonsOf(message.actions ?? []) : [],
    data: { id: message.id, link: message.link, token: message.token ?? "", revision: message.revision ?? "", actions: message.actions ?? [], lang, at, tag,
            title, device: message.device, test: message.kind === "test" },
  };
  return { tag, at, title, options };
}

function buttonsOf(actions) {
  const shown = actions.slice(0, self.Notification?.maxActions ?? 0);
  return shown.map(({ action, title, comment }) =>
    // A reply is typed where it is asked for, if the system has a field for it: others ignore `type`, and open the item.
    action === "reply" ? { action, title, type: "text", placeholder: title }
      : { action, title: comment === "required" ? `${title}…` : title });
}

/** Show a note, unless a newer one about the same is there: then that one, again and silently. */
export function show(note) {
  return navigator.locks.request(`wfpush ${note.tag}`, async () => {
    const known = await stored("shown", note.tag).catch(() => null);
    const late = known?.at > note.at;
    const options = late ? { ...known.options, silent: true, renotify: false } : note.options;
    if (!late) await remember(note).catch(() => {});
    await appears(late ? known.title : note.title, options);
  });
}

/** Chromium forgets what is about to appear if it is asked meanwhile what it shows: whoever asks has the lock alone (forget.js). */
const appears = (title, options) =>
  navigator.locks.request(SHOWING, { mode: "shared" }, () => self.registration.showNotification(title, options));

async function remember(note) {
  await store("shown", note);
  const all = await allStored("shown");
  const oldest = all.sort((one, other) => other.at - one.at).slice(MOST_REMEMBERED);
  if (oldest.length) await unstore("shown", ...oldest.map(({ tag }) => tag));
}

/**
 * What was answered has changed: the notification is shown again as it is now, with what has changed first, and asks again.
 * `notification` is a message of the server, `changes` are for lock screens.
 */
export async function showChanged({ notification, changes }, customer) {
  const { say: words } = speaking(notification.lang, customer);
  const line = changes.length ? words("changed_meanwhile", { changes: changeLine(changes) }) : words("changed_somehow");
  await show(noteOf({ ...notification, body: [line, notification.body].filter(Boolean).join("\n"), kind: "message" }, false, true));
}

/** What became of it, in place of the notification: silently, with no buttons. */
export async function say(data, body) {
  const { tag, at, title, lang } = data;
  const options = {
    tag, body, lang, dir: "auto", icon: ICON, badge: BADGE, silent: true, renotify: false, actions: [],
    data: { ...data, token: "", actions: [] },
  };
  await show({ tag, at, title, options });
}

/** How many items are unread, on the app's icon. */
export function count(unread) {
  if (typeof unread !== "number") return;
  const badge = unread ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.();
  badge?.catch(() => {});
}
