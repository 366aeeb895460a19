// Nothing of a person stays on a device that somebody else may use next. The page and the service worker share it.

import { emptied, everything, tellPerson } from "./store.js";

const KEPT_FOR_A_PERSON = ["wfpush person", "wfpush documents"];

/** Signing out, or somebody else signing in: messages stop, and everything kept or shown here goes. */
export async function forget(registration) {
  await Promise.allSettled([
    unsubscribed(registration),
    emptied(...everything),
    ...KEPT_FOR_A_PERSON.map((name) => caches.delete(name)),
    closed(registration),
    navigator.clearAppBadge?.(),
  ]);
}

/** The server says that the session is over: what could be read goes; answers wait for the same person to come back. */
export async function lock() {
  await Promise.allSettled([
    emptied("items", "documents"),
    tellPerson({ seq: 0, shell: null }),
    ...KEPT_FOR_A_PERSON.map((name) => caches.delete(name)),
  ]);
}

async function unsubscribed(registration) {
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

async function closed(registration) {
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
}
