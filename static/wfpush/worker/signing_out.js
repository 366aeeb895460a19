// Signing out. This device forgets at once. The server is told before anything else is asked of it, however long there is no
// connection: until then the session goes on, and whoever opens this browser next would be the person who left.

import { forget } from "../forget.js";
import { person, store, stored, unstore } from "../store.js";
import { csrfOf, shellFile } from "./shell.js";
import { speaking } from "./speaking.js";

const PATHS = ["/sign-out", "/admin/logout/"], OF_A_DEVICE = /^\/devices\/([\w-]+)\/remove$/;
const PATIENCE_WITH_SIGN_OUT = 5_000;  // milliseconds
const ROW = "told later";
let isUnsent;  // whether the server is still to be told; unknown when this worker has just started

/** Whether a request may be one that signs out. Forms of other sites sign nobody out. */
export function mayLeave({ method, referrer, url }) {
  const { pathname } = new URL(url), isOurs = referrer.startsWith(`${self.location.origin}/`);
  return method === "POST" && isOurs && (PATHS.includes(pathname) || OF_A_DEVICE.test(pathname));
}

/** The reply to such a request. */
export async function leaving(request) {
  const { device, language, customer } = await person().catch(() => ({}));
  const [, removed] = OF_A_DEVICE.exec(new URL(request.url).pathname) ?? [];
  if (removed && removed !== device) return fetch(request);  // another device of theirs
  isUnsent = true;
  await store("signouts", { id: ROW, csrf: await tokenIn(request.clone()), language, customer }).catch(() => {});
  const [reply] = await Promise.all([fetch(request, { signal: AbortSignal.timeout(PATIENCE_WITH_SIGN_OUT) }).catch(() => null), forget(self.registration)]);
  if (!reply || !(await isSignOutSent())) return pendingPage();
  return reply;
}

const tokenIn = (request) => request.formData().then((form) => form.get("csrfmiddlewaretoken"), () => "");

export const mayWait = () => isUnsent !== false;

/** Whether no sign-out waits any more; one that does is told now. */
export const isSignOutSent = () =>
  navigator.locks.request("wfpush signing out", async () => {
    if (isUnsent === false) return true;
    const row = await stored("signouts", ROW).catch(() => undefined);
    isUnsent = Boolean(row) && !(await isTaken(row.csrf));
    if (isUnsent) await self.registration.sync?.register("sign-out").catch(() => {});
    else if (row) await unstore("signouts", ROW).catch(() => {});
    return !isUnsent;
  });

/** Only our server's word ends it, not a page of a proxy. Where the token of the form has ended, that of the session counts. */
async function isTaken(csrf) {
  const reply = await signOutReply(csrf);
  if (reply.code !== "csrf_failed") return Boolean(reply.signed_out);
  const page = await fetch("/offline", { redirect: "error" }).then((response) => response.text(), () => "");
  const last = await signOutReply(csrfOf(page));
  return Boolean(last.signed_out || last.code);
}

async function signOutReply(csrf) {
  const headers = { Accept: "application/json", "X-CSRFToken": csrf ?? "" }, signal = AbortSignal.timeout(PATIENCE_WITH_SIGN_OUT);
  const response = await fetch(PATHS[0], { method: "POST", headers, redirect: "error", signal }).catch(() => null);
  return (await response?.json().catch(() => null)) ?? {};
}

/** Run `work` to answer a request, once no sign-out waits. */
export async function afterSignOut({ mode }, work) {
  if (await isSignOutSent()) return work();
  return mode === "navigate" ? pendingPage() : Response.error();
}

/** What is shown until then, whatever page somebody opens. */
async function pendingPage() {
  const { language, customer } = (await stored("signouts", ROW).catch(() => null)) ?? {}, { say, language: spoken } = speaking(language, customer);
  const styles = ["tokens.css", "inbox.css", "pages.css"].map((name) => `<link rel="stylesheet" href="${shellFile(name)}">`).join("");
  const page = `<!doctype html>
<html lang="${spoken}"><head><meta charset="utf-8"><title>${say("left_title")}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">${styles}
<script type="module" src="${shellFile("pages.js")}" data-modules="sign_out_pending"></script></head>
<body class="narrow"><header class="top"><span class="name">wfpush</span></header><main id="content"><div class="paper">
<h1>${say("left_title")}</h1><p>${say("left_body")}</p><p><a class="button primary" href="/sign-in">${say("try_again")}</a></p>
</div></main></body></html>`;
  const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'";
  const headers = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy, "Cache-Control": "no-store" };
  return new Response(page, { headers });
}
