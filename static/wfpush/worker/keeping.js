// Keeps items for use without a connection: the person's own only, and only while they are signed in.

import { forget } from "../forget.js";
import { allStored, person, store, tellPerson, unstore } from "../store.js";
import { keepDocuments } from "./documents.js";
import { lock, saysSignedOut, whileHere } from "./leaving.js";
import { sendAnswers } from "./sending.js";
import { keepPage } from "./shell.js";

const MOST = { open: 200, info: 30, done: 30 };
const LIST_PATIENCE = 20_000;  // milliseconds
const PAGES = 5;  // of changes; after more the whole list is fetched

/**
 * A page has started, and says who is signed in and its last seq. `look` stands for language and version: when it changes, all
 * items are fetched again.
 */
export async function begin({ ref, timezone, language, customer, csrf, seq, look }) {
  const before = await person();
  if (before.ref !== undefined && before.ref !== ref) await forget(self.registration);
  await tellPerson({ ref, timezone, language, customer, csrf, look, ...(before.look === look ? {} : { seq: 0 }) });
  await sendAnswers();
  await catchUp(seq);
  await keepPage(look);
  await keepDocuments();
}

/** Update the kept items. `seq`: that of the page, for the first time. */
export const catchUp = (seq = 0) =>
  navigator.locks.request("wfpush items", async () => {
    const { ref, seq: known = 0 } = await person();
    if (ref === undefined || !(known || seq)) return;
    if (seq && known >= seq) return void (await tellPerson({ at: Date.now() }));
    const found = (known && (await changesAfter(known))) || (await whole(seq || known));
    if (!found) return;  // no connection, or nobody is signed in any more
    await whileHere(ref, async () => {
      await store("items", ...found.items);
      if (found.whole) await dropOthers(found.items);
      await tellPerson({ seq: found.seq, at: Date.now() });
      await prune();
    });
  });

async function changesAfter(seq) {
  const items = [];
  for (let page = 0, next = ""; page < PAGES; page += 1) {
    const found = await listed(`after=${seq}&limit=200${next && `&cursor=${encodeURIComponent(next)}`}`);
    if (!found) return null;
    items.push(...found.items);
    next = found.next;
    if (!next) return { items, seq: Math.max(seq, ...items.map((item) => item.seq)) };
  }
  return null;
}

async function whole(seq) {
  const open = await listed(`state=open&limit=${MOST.open}`), newest = open && (await listed("state=all&limit=50"));
  return newest && { items: [...open.items, ...newest.items], seq, whole: true };
}

async function listed(query) {
  try {
    const response = await fetch(`/api/v1/notifications?${query}`, { signal: AbortSignal.timeout(LIST_PATIENCE) });
    if (response.ok) return await response.json();
    if (await saysSignedOut(response)) await lock();
    return null;
  } catch {
    return null;
  }
}

/** Delete items that the server no longer lists. */
async function dropOthers(items) {
  const listed = new Set(items.map(({ id }) => id));
  const gone = (await allStored("items")).filter(({ id }) => !listed.has(id));
  await unstore("items", ...gone.map(({ id }) => id));
}

async function prune() {
  const groups = { open: [], info: [], done: [] };
  for (const item of await allStored("items")) groups[item.state in groups ? item.state : "done"].push(item);
  const over = Object.entries(groups).flatMap(([state, items]) =>
    items.sort((one, other) => other.seq - one.seq).slice(MOST[state]));
  if (over.length) await unstore("items", ...over.map(({ id }) => id));
}
