// Deletes what this device keeps of a person, since somebody else may use it next. Shared by page and service worker.

import { LEAVING, emptied, everything, person } from "./store.js";

export const SHOWING = "wfpush showing";  // a lock
const PATIENCE_WITH_ICONS = 3_000;  // milliseconds: a notification is not there until its icon is
const KEPT_FOR_A_PERSON = ["wfpush person", "wfpush documents"];

/**
 * After signing out, or when somebody else signs in: clear open pages, end the subscription, and delete everything kept or
 * shown here, except notifications with the tag `but`.
 */
export async function forget(registration, but = "") {
  clearPages((await person().catch(() => ({}))).ref);
  await Promise.allSettled([
    unsubscribed(registration),
    alone(() => Promise.allSettled([emptied(...everything), ...cachesDeleted()])),
    closed(registration, but),
    navigator.clearAppBadge?.(),
  ]);
}

function clearPages(ref) {
  if (ref === undefined || !("BroadcastChannel" in self)) return;
  const channel = new BroadcastChannel(LEAVING);
  channel.postMessage(ref);
  channel.close();
}

/** Run `work` while nothing else is kept or deleted. */
export const alone = (work) => navigator.locks.request("wfpush person", work);
export const cachesDeleted = () => KEPT_FOR_A_PERSON.map((name) => caches.delete(name));

async function unsubscribed(registration) {
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

/** Close all notifications except those with the tag `but`, when those that are about to be shown are there, too. */
export function closed(registration, but = "") {
  const close = async () => {
    for (const shown of (await registration?.getNotifications()) ?? []) if (!but || shown.tag !== but) shown.close();
  };
  return navigator.locks.request(SHOWING, { signal: AbortSignal.timeout(PATIENCE_WITH_ICONS) }, close).catch(close);
}
