// The service worker: messages from the push service, answers from their buttons, and the inbox with no connection. The
// server puts it and what it imports into one script at /sw.js (notifications/inbox/webapp.py), since not every browser in
// use takes modules here, and since one script is replaced whole.
//
// With a connection pages and scripts never come from a cache, so they are always as new as the server. So a new worker may
// take over at once.

import { clicked } from "./worker/clicks.js";
import { keepDocuments } from "./worker/documents.js";
import { fetched } from "./worker/fetching.js";
import { begin, catchUp } from "./worker/keeping.js";
import { sendAnswers } from "./worker/sending.js";
import { keepShell, onlyThisShell } from "./worker/shell.js";
import { isSignOutSent } from "./worker/signing_out.js";
import { person } from "./store.js";
import { pushed, removedHere } from "./worker/showing.js";
import { renewed } from "./worker/renewing.js";
import { tellPages } from "./worker/pages.js";

self.addEventListener("install", (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(takenOver());
});

async function takenOver() {
  await onlyThisShell();
  await self.clients.claim();
  await tellPages({ type: "version", version: PAGE_VERSION });
}

self.addEventListener("fetch", fetched);

self.addEventListener("push", (event) => {
  event.waitUntil(pushed(event).then(later));
});

/**
 * A push message is a chance to bring the rest up to date: there is a connection. Not while the push event is held open: if
 * somebody has pressed or swiped the notification by its end, Chromium shows one of its own that says nothing. A message to
 * ourselves is an event of its own.
 */
function later() {
  const us = self.registration.active;
  if (us) us.postMessage({ type: "catch-up" });
  else afterwards();
}

const afterwards = () => signedOutFirst(() => Promise.allSettled([sendAnswers(), catchUp().then(() => keepDocuments(A_MOMENT))]));

/** Do nothing in the session of somebody who has signed out. */
const signedOutFirst = async (work) => (await isSignOutSent()) && work();

self.addEventListener("notificationclick", (event) => {
  event.waitUntil(clicked(event.notification, event.action, event.reply).then(() => catchUp()));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renewed(event.newSubscription));
});

self.addEventListener("sync", (event) => {
  event.waitUntil(sentOrLater());
});

/** The browser fires `sync` again later only if this rejects. */
async function sentOrLater() {
  if (!(await isSignOutSent())) throw new Error("The server could not be told of the sign-out yet.");
  const { size } = await sendAnswers();
  await catchUp();
  if (size) throw new Error("There are answers that could not be sent yet.");
}

const A_MOMENT = 20_000;  // milliseconds for documents after a message: browsers end workers that run in the background

const ASKED = {
  begin: (message) => signedOutFirst(() => begin(message)),
  "catch-up": () => afterwards(),
  removed: () => person().then(({ language }) => removedHere(language)),
  send: () => sendAnswers().then(() => catchUp()),
};

self.addEventListener("message", (event) => {
  const asked = ASKED[event.data?.type];
  if (asked) event.waitUntil(asked(event.data).finally(() => event.ports[0]?.postMessage("done")));
});
