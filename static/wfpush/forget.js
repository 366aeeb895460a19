// Nothing of a person stays on a device that somebody else may use next. The page and the service worker share it.

import { emptied, everything } from "./store.js";

const KEPT_FOR_A_PERSON = ["wfpush person", "wfpush documents"];

/**
 * Signing out, or somebody else signing in: messages stop, and everything kept or shown here goes, but for what is shown
 * with the tag `but`.
 */
export async function forget(registration, but = "") {
  await Promise.allSettled([
    unsubscribed(registration),
    alone(() => Promise.allSettled([emptied(...everything), ...cachesDeleted()])),
    closed(registration, but),
    navigator.clearAppBadge?.(),
  ]);
}

/** Nothing else is kept or forgotten meanwhile. */
export const alone = (work) => navigator.locks.request("wfpush person", work);
export const cachesDeleted = () => KEPT_FOR_A_PERSON.map((name) => caches.delete(name));

async function unsubscribed(registration) {
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

/** Nothing is shown any more, but for what has the tag `but`. */
export async function closed(registration, but = "") {
  for (const shown of (await registration?.getNotifications()) ?? []) if (!but || shown.tag !== but) shown.close();
}
