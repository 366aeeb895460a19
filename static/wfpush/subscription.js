// Push messages for this browser: subscribed at the browser's push service, and the server told where. The page and the
// service worker share it.

import { closed } from "./forget.js";
import { person, tellPerson } from "./store.js";

const A_DAY = 86_400_000;  // milliseconds
const DEVICES = "/api/v1/subscriptions";

/**
 * Subscribe under the server's key, and register. Throws when the push service or the server refuses: with the host as
 * `service` where the server sends nothing to that push service, whenever it is asked.
 */
export async function subscribe(registration, csrf) {
  const key = await serverKey();
  const before = await registration.pushManager.getSubscription();
  if (before) await before.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: bytesOf(key) };
  const made = await registration.pushManager.subscribe(options);
  await registerDevice(made, key, csrf).catch(async (fault) => {
    if (!fault.pointers?.includes("/subscription/endpoint")) throw fault;
    await made.unsubscribe();
    throw Object.assign(fault, { service: new URL(made.endpoint).host });
  });
}

/** Register a subscription at the server, which removes the device that this browser was before. */
export async function registerDevice(subscription, key, csrf) {
  const { device } = await person();
  const response = await called(DEVICES, csrf, "POST", { channel: "webpush", subscription: subscription.toJSON(), public_key: key });
  const { id } = await response.json();
  await tellPerson({ push: "on", device: id, endpoint: subscription.endpoint, sender: key, checked: Date.now() });
  if (device && device !== id) await called(`${DEVICES}/${device}`, csrf, "DELETE").catch(() => {});
}

/** End messages to this browser; the buttons of shown notifications are no longer valid. */
export async function unsubscribe(registration, csrf) {
  const { device } = await person();
  await (await registration.pushManager.getSubscription())?.unsubscribe();
  await tellPerson({ push: "off", device: "", endpoint: "" });
  await closed(registration);
  if (device) await called(`${DEVICES}/${device}`, csrf, "DELETE").catch(() => {});
}

/**
 * Keep browser and server in step: after a new key, or a lost or changed subscription, subscribe or register again. A device
 * that somebody removed stays removed; one that the push service or the server no longer knew is registered again.
 */
export async function keepInStep(registration, csrf, who) {
  const { ref, push, device, endpoint, sender, checked = 0 } = await person();
  if (push !== "on" || ref !== who) return;
  if (Notification.permission !== "granted") return void (await unsubscribe(registration, csrf));
  const [key, fate, subscription] = await Promise.all([
    serverKey(), fateOf(device), registration.pushManager.getSubscription(),
  ]);
  if (fate === "removed") await unsubscribe(registration, csrf);
  else if (!subscription || fate === "lost" || key !== sender) await subscribe(registration, csrf);
  else if (fate === "elsewhere" || subscription.endpoint !== endpoint || Date.now() - checked > A_DAY) {
    await registerDevice(subscription, key, csrf);
  }
}

/** `registered`, `removed` by somebody, `lost`: the push service or we know it no longer; or registered under a session `elsewhere`. */
async function fateOf(device) {
  if (!device) return "lost";
  const { items } = await (await called(DEVICES)).json();
  const listed = items.find(({ id }) => id === device);
  if (listed) return listed.current ? "registered" : "elsewhere";
  const response = await fetch(`/devices/${device}/fate`);
  if (response.status === 404) return "lost";
  if (response.ok) return (await response.json()).fate;
  throw new Error(response.status);
}

async function serverKey() {
  return (await (await called("/api/v1/webpush/public-key")).json()).public_key;
}

async function called(address, csrf = "", method = "GET", body = null) {
  const headers = method === "GET" ? {} : { "Content-Type": "application/json", "X-CSRFToken": csrf };
  const response = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
  if (response.ok) return response;
  const { errors = [] } = (await response.json().catch(() => null)) ?? {};
  throw Object.assign(new Error(`${method} ${address}: ${response.status}`), { pointers: errors.map(({ pointer }) => pointer) });
}

function bytesOf(key) {
  const binary = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
