// Sessions that end while something is being kept.

import { alone, cachesDeleted } from "../forget.js";
import { emptied, person, tellPerson } from "../store.js";

/** The session is over: delete what could be read; answers wait until the same person signs in again. */
export async function lock() {
  await alone(() =>
    Promise.allSettled([emptied("items", "documents"), tellPerson({ seq: 0, shell: null }), ...cachesDeleted()]));
}

/** Keep something of a person, unless they have signed out meanwhile. Returns whether it was kept. */
export const whileHere = (ref, keep) =>
  alone(async () => {
    const here = (await person()).ref === ref;
    if (here) await keep();
    return here;
  });
