// The push service gave this browser another address: the server hears of it with no page open.

import { person, tellPerson } from "../store.js";
import { registerDevice, subscribe } from "../subscription.js";
import { freshToken } from "./shell.js";

export async function renewed(subscription) {
  const { push, sender } = await person();
  if (push !== "on") return;
  try {
    const csrf = await freshToken();
    if (subscription) await registerDevice(subscription, sender, csrf);
    else await subscribe(self.registration, csrf);
  } catch {
    await tellPerson({ endpoint: "" });  // the next page puts it right
  }
}
