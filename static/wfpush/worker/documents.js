// Keeps documents of open items, if their server allows reading them (CORS). They are shown from our own address then, so only
// types that cannot run scripts are shown; others are downloaded.

import { allStored, person, store, unstore } from "../store.js";
import { whileHere } from "./leaving.js";
import { tellPages } from "./pages.js";

const DOCUMENTS = "wfpush documents";
const LARGEST = 25 * 1024 * 1024, ALTOGETHER = 200 * 1024 * 1024;  // bytes
const ALL_THE_TIME = 240_000;  // milliseconds; browsers end an event of a worker after five minutes
const AGAIN_AFTER = 3_600_000;  // milliseconds after which a failed one is fetched again
const SHOWN = ["application/pdf", "image/png", "image/jpeg", "image/webp", "image/gif", "text/plain"];

/** `within`: milliseconds. What does not come in time is fetched another time. */
export const keepDocuments = (within = ALL_THE_TIME) =>
  navigator.locks.request("wfpush documents", { ifAvailable: true }, async (lock) => {
    const { ref } = await person();
    if (!lock || ref === undefined || navigator.connection?.saveData) return;
    const wanted = await wantedDocuments(), known = new Map((await allStored("documents")).map((row) => [row.url, row]));
    for (const row of known.values()) if (!wanted.has(row.url)) await dropped(row);
    const signal = AbortSignal.timeout(within);
    let room = ALTOGETHER - [...known.values()].reduce((sum, { size = 0 }) => sum + size, 0);
    for (const url of wanted) {
      const row = known.get(url);
      if (row?.state === "kept" || (row && Date.now() - row.at < AGAIN_AFTER)) continue;
      if (signal.aborted || !(await isWanted(url, ref))) return;
      room -= await fetchDocument(url, Math.min(room, LARGEST), ref, signal);
    }
  });

async function wantedDocuments() {
  const open = (await allStored("items")).filter(({ state }) => state === "open");
  const urls = open.flatMap(({ documents }) => (documents ?? []).map(({ url }) => url));
  return new Set(urls.filter((url) => /^https?:/.test(url ?? "")));
}

/** Whether the person is still signed in, and an open item has the document. */
async function isWanted(url, ref) {
  return (await person()).ref === ref && (await wantedDocuments()).has(url);
}

async function dropped({ url, path }) {
  await unstore("documents", url);
  if (path) await (await caches.open(DOCUMENTS)).delete(path);
}

/** Keep one document; returns its size, 0 if it cannot be fetched. */
async function fetchDocument(url, most, ref, signal) {
  try {
    const response = await fetch(url, { mode: "cors", credentials: "omit", referrerPolicy: "no-referrer", signal });
    if (!response.ok) throw new Error(String(response.status));
    const content = await readAll(response, { url, most, ref }), path = await pathOf(url);
    const document = asDocument(content, response.headers.get("Content-Type") ?? "");
    const isStored = await noteDocument({ url, state: "kept", path, size: content.size }, ref, document);
    return isStored ? content.size : 0;
  } catch {
    if (!signal.aborted) await noteDocument({ url, state: "refused" }, ref);
    return 0;
  }
}

/** Store a document and its state; false when no open item has it any more. */
async function noteDocument(row, ref, document = null) {
  let isStored = false;
  await whileHere(ref, async () => {
    if (!(await wantedDocuments()).has(row.url)) return;
    if (document) await (await caches.open(DOCUMENTS)).put(row.path, document);
    await store("documents", { ...row, at: Date.now() });
    isStored = true;
  });
  if (isStored) await tellPages({ type: "document", ...row });
  return isStored;
}

/** The content; reports progress to pages. Throws when it is larger than `most`, or the person has signed out. */
async function readAll(response, { url, most, ref }) {
  const length = Number(response.headers.get("Content-Length")), parts = [];
  let size = 0, percent = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts);
    parts.push(value);
    size += value.length;
    if (size > most) throw new Error("too large");
    if ((await person()).ref !== ref) throw new Error("nobody's");
    const now = length ? Math.min(99, Math.floor((100 * size) / length)) : 0;
    if (now >= percent + 5 || size === value.length) await tellPages({ type: "document", url, state: "keeping", percent: (percent = now) });
  }
}

async function pathOf(url) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(url));
  return `/offline/documents/${Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function asDocument(content, contentType) {
  const kind = contentType.split(";")[0].trim().toLowerCase(), shown = SHOWN.includes(kind);
  const headers = {
    "Content-Type": shown ? contentType : "application/octet-stream",
    "Content-Disposition": shown ? "inline" : "attachment",
    "X-Content-Type-Options": "nosniff",
  };
  return new Response(content, { headers });
}

export async function cachedDocument(path) {
  return (await (await caches.open(DOCUMENTS)).match(path)) ?? new Response(null, { status: 404 });
}
