// The push service gave this browser another address: the server hears of it with no page open.

import { person, tellPerson } from "../store.js";
import { registerDevice, subscribe } from "../subscription.js";
import { freshToken } from "./shell.js";

const RENEWED_AFTER = [0, 3_000, 10_000];  // milliseconds before each try: browsers tell us once only

export async function renewed(subscription) {
  for (const pause of RENEWED_AFTER) {
    await new Promise((wake) => setTimeout(wake, pause));
    if (await registered(subscription).catch(() => false)) return;
  }
  await tellPerson({ endpoint: "" });  // the next page puts it right
}

/** Whether the server knows the address now, or need not. */
async function registered(subscription) {
  const { push, sender } = await person();
  if (push !== "on") return true;
  const csrf = await freshToken();
  if (subscription) await registerDevice(subscription, sender, csrf);
  else await subscribe(self.registration, csrf);
  return true;
}
