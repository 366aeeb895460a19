// The page that opens with no connection, and its scripts and styles. SHELL_FILES, name → hash, comes with the script, and
// PAGE_VERSION is over all of it: what is kept is of one version, to the byte, or it is not kept.

import { person, tellPerson } from "../store.js";
import { lockIfSignedOut, whileHere } from "./leaving.js";
import { tellPages } from "./pages.js";

const SHELL = `wfpush shell ${PAGE_VERSION}`;
const KEPT = "wfpush person";
const BASE = `/offline/${PAGE_VERSION}/`;  // where the kept page finds its files; no server has them there
const A_DAY_OLD = 86_400_000;

export const shellFile = (name) => BASE + name;

export async function keepShell() {
  const cache = await caches.open(SHELL);
  await Promise.all(Object.entries(SHELL_FILES).map(async ([name, integrity]) => {
    const response = await fetch(`/static/wfpush/${name}`, { integrity, cache: "no-cache" });
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    await cache.put(BASE + name, response);
  }));
}

/** The files of the page that is kept stay until the page of this version is kept in its place. */
export async function onlyThisShell() {
  const { ref, shell } = await person().catch(() => ({}));
  if (ref !== undefined && shell) await keepPage(shell.look).catch(() => {});
  else await dropOldShells();
}

async function dropOldShells() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("wfpush shell ") && name !== SHELL).map((name) => caches.delete(name)));
}

/** Keep the person's own page without items. `look`: what it depends on besides its version, such as the language. */
export async function keepPage(look) {
  const { ref, shell } = await person();
  const same = shell?.look === look && shell.version === PAGE_VERSION && Date.now() - shell.at < A_DAY_OLD;
  if (same && (await cachedPage())) return;
  const response = await fetch("/offline").catch(() => null);
  if (response?.redirected || response?.status === 403) return void (await lockIfSignedOut());
  if (!response?.ok) return;
  const text = await response.text();
  if (!text.includes(`"version": "${PAGE_VERSION}"`)) return;  // the server is newer: so will the worker be, soon
  const style = await styleOf(text);
  const isStored = await whileHere(ref, async () => {
    await putPage(text, response.headers, style);
    await tellPerson({ csrf: csrfOf(text), shell: { look, version: PAGE_VERSION, at: Date.now() } });
  });
  if (isStored) await dropOldShells();
}

/** {address, response} of the brand's colours, or null. */
async function styleOf(text) {
  const address = /href="(\/brand\/[^"]+)"/.exec(text)?.[1];
  const response = address && (await fetch(address).catch(() => null));
  return response?.ok ? { address, response } : null;
}

async function putPage(text, headers, style) {
  const cache = await caches.open(KEPT);
  if (style) await cache.put(style.address, style.response);
  const pageHeaders = new Headers({ "Content-Type": "text/html; charset=utf-8" });
  for (const name of ["Content-Security-Policy", "Referrer-Policy"]) if (headers.has(name)) pageHeaders.set(name, headers.get(name));
  await cache.put("/offline", new Response(text.replaceAll('"/static/wfpush/', `"${BASE}`), { headers: pageHeaders }));
}

/** A token for forms of the session as it is now; empty where there is none. */
export async function freshToken() {
  const response = await fetch("/offline").catch(() => null);
  if (response?.redirected && (await lockIfSignedOut())) await tellPages({ type: "signed-out" });
  const csrf = response?.ok && !response.redirected ? csrfOf(await response.text()) : "";
  await tellPerson({ csrf });
  return csrf;
}

export const csrfOf = (text) => /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(text)?.[1] ?? "";

export async function cachedPage() {
  return (await caches.has(KEPT)) ? (await caches.open(KEPT)).match("/offline") : undefined;
}

/** A file of the kept page; one of another version than ours is fetched. */
export async function cachedFile(path) {
  return (await caches.match(path)) ?? fetch(`/static/wfpush/${path.split("/").slice(3).join("/")}`);
}
