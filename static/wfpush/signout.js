// What every page of somebody who is signed in does: menus, signing out, and going blank when that is done elsewhere.

import * as clearing from "./clearing.js";
import * as disclosures from "./disclosures.js";

clearing.start();
disclosures.start();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-sign-out]")) return;
  event.preventDefault();
  import("./leave.js").then(({ leave }) => leave(form), () => form.submit());
});
