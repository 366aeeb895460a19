// People who leave while something of theirs is being kept.

import { alone, cachesDeleted } from "../forget.js";
import { emptied, person, tellPerson } from "../store.js";

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
