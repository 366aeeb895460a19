// Requests of our pages. With a connection the worker does not interfere; without one it answers from what is kept.

import { forget } from "../forget.js";
import { keptDocument } from "./documents.js";
import { lock } from "./leaving.js";
import { INBOX } from "./pages.js";
import { keptFile, keptPage } from "./shell.js";

const SIGNING_OUT = ["/sign-out", "/admin/logout/"];
const PATIENCE_WITH_PAGES = 5_000;  // milliseconds after which the kept page is shown
const AWAY = [502, 503, 504];

export function fetched(event) {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  if (request.method === "POST" && SIGNING_OUT.includes(pathname)) event.waitUntil(forget(self.registration));
  if (request.method !== "GET") return;
  if (pathname.startsWith("/offline/documents/")) event.respondWith(keptDocument(pathname));
  else if (pathname.startsWith("/offline/")) event.respondWith(keptFile(pathname));
  else if (pathname.startsWith("/brand/")) event.respondWith(fetch(request).catch(() => kept(request)));
  else if (request.mode === "navigate" && INBOX.test(pathname)) event.respondWith(page(event));
}

const kept = async (request) => (await caches.match(request)) ?? Response.error();

/** Without navigation preload: when that fails, Firefox shows an error of its own, whatever the worker answers. */
async function page(event) {
  const asked = fetch(event.request);
  const answer = await Promise.race([asked, after(PATIENCE_WITH_PAGES)]).catch(() => null);
  if (answer?.type === "opaqueredirect" || answer?.status === 403) event.waitUntil(lock());  // to the page for signing in
  if (answer && !AWAY.includes(answer.status)) return answer;
  return (await keptPage().catch(() => undefined)) ?? asked;
}

const after = (milliseconds) => new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));
