// Sessions that end while something is being kept.

import { alone, cachesDeleted } from "../forget.js";
import { emptied, person, tellPerson } from "../store.js";

/** The session is over: delete what could be read; answers wait until the same person signs in again. */
export async function lock() {
  await alone(() =>
    Promise.allSettled([emptied("items", "documents"), tellPerson({ seq: 0, shell: null }), ...cachesDeleted()]));
}

/** Whether this is our own server's word that nobody is signed in, and not a reply of a proxy in between. */
export const saysSignedOut = async (response) =>
  response?.status === 401 && (await response.json().catch(() => null))?.code === "unauthenticated";

/** Something looks as if the session were over: ask. Returns whether it is. */
export async function lockIfSignedOut() {
  const isOver = await saysSignedOut(await fetch("/api/v1/notifications?limit=1", { redirect: "manual" }).catch(() => null));
  if (isOver) await lock();
  return isOver;
}

/** Keep something of a person, unless they have signed out meanwhile. Returns whether it was kept. */
export const whileHere = (ref, keep) =>
  alone(async () => {
    const here = (await person()).ref === ref;
    if (here) await keep();
    return here;
  });
