// Nothing of a person stays on a device that somebody else may use next. The page and the service worker share it.

import { emptied, everything } from "./store.js";

const KEPT_FOR_A_PERSON = ["wfpush person", "wfpush documents"];

/** Signing out, or somebody else signing in: messages stop, and everything kept or shown here goes. */
export async function forget(registration) {
  await Promise.allSettled([
    unsubscribed(registration),
    alone(() => Promise.allSettled([emptied(...everything), ...cachesDeleted()])),
    closed(registration),
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

async function closed(registration) {
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
}
