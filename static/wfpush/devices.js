// The page of devices: this browser is turned on and off; the list follows. Testing and removing are plain forms.

import * as app from "./app.js";
import * as push from "./push.js";

push.start(await app.start({ open: ({ address }) => location.assign(address) }), async () => {
  const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("devices");
  if (fresh) document.getElementById("devices").replaceWith(document.importNode(fresh, true));
});
