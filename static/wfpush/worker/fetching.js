// Requests of our pages. With a connection the worker does not interfere; without one it answers from what is kept.

import { cachedDocument } from "./documents.js";
import { lockIfSignedOut } from "./leaving.js";
import { INBOX } from "./pages.js";
import { cachedFile, cachedPage, shellFile } from "./shell.js";
import { afterSignOut, leaving, mayLeave, mayWait } from "./signing_out.js";

const PATIENCE_WITH_PAGES = 5_000;  // milliseconds after which the kept page is shown
const AWAY = [502, 503, 504];
const LATER = "later.js";  // a page that loses its connection before it has its second script

export function fetched(event) {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (pathname === `/static/wfpush/${LATER}`) event.respondWith(fetch(request).catch(() => cached(shellFile(LATER))));
  else if (pathname.startsWith("/static/")) return;
  else if (pathname.startsWith("/offline/documents/")) event.respondWith(cachedDocument(pathname));
  else if (pathname.startsWith("/offline/")) event.respondWith(cachedFile(pathname));
  else if (mayLeave(request)) event.respondWith(leaving(request));
  else if (mayWait()) event.respondWith(afterSignOut(request, () => replyWithout(event) ?? fetch(request)));
  else replied(event, replyWithout(event));
}

function replied(event, reply) {
  if (reply) event.respondWith(reply);
}

/** The reply to what has one with no connection, too; nothing for other requests. */
function replyWithout(event) {
  const { request } = event, { pathname } = new URL(request.url);
  if (request.method !== "GET") return null;
  if (pathname.startsWith("/brand/")) return fetch(request).catch(() => cached(request));
  return request.mode === "navigate" && INBOX.test(pathname) ? page(event) : null;
}

const cached = async (request) => (await caches.match(request)) ?? Response.error();

/** Without navigation preload: when that fails, Firefox shows an error of its own, whatever the worker answers. */
async function page(event) {
  const asked = fetch(event.request);
  const answer = await Promise.race([asked, after(PATIENCE_WITH_PAGES)]).catch(() => null);
  if (answer?.type === "opaqueredirect" || answer?.status === 403) event.waitUntil(lockIfSignedOut());  // or it is a proxy's
  if (answer && !AWAY.includes(answer.status)) return answer;
  return (await cachedPage().catch(() => undefined)) ?? asked;
}

const after = (milliseconds) => new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));
