// Nothing of a person stays on a device that somebody else may use next. The page and the service worker share it.

import { emptied, everything, person, tellPerson } from "./store.js";

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

/** The server says that the session is over: what could be read goes; answers wait for the same person to come back. */
export async function lock() {
  await alone(() =>
    Promise.allSettled([emptied("items", "documents"), tellPerson({ seq: 0, shell: null }), ...cachesDeleted()]));
}

/** Keep something of a person, unless they have left meanwhile. Tells whether it was kept. */
export const whileHere = (ref, keep) =>
  alone(async () => {
    const here = (await person()).ref === ref;
    if (here) await keep();
    return here;
  });

const alone = (work) => navigator.locks.request("wfpush person", work);
const cachesDeleted = () => KEPT_FOR_A_PERSON.map((name) => caches.delete(name));

async function unsubscribed(registration) {
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
}

async function closed(registration) {
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
}
