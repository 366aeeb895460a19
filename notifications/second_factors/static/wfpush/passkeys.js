// Passkeys: forms that sign in, confirm or add them, by the browser's own dialog (WebAuthn). Without this file, and in browsers without
// passkeys, these forms stay hidden, and their pages have another way.

const IS_NUMBER = /^[0-9.]+$|:/u;  // a passkey belongs to a host's name, and to no address such as 127.0.0.1 or [::1]
export const isPossible = () => Boolean(window.PublicKeyCredential) && !IS_NUMBER.test(location.hostname);

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (isPossible()) offer(form);
}
for (const button of document.querySelectorAll("button[data-copies]")) {
  if (navigator.clipboard) offerCopy(button);
}

function offer(form) {
  form.hidden = false;
  const without = document.getElementById("without-passkeys");
  if (without) without.hidden = true;
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    ask(form);
  });
}

/** The form is sent with what the browser answers. If the person cancels, or the device has none, the page says so. */
async function ask(form) {
  const fault = form.querySelector("[data-fault]"), button = form.querySelector("button");
  fault.hidden = true;
  button.disabled = true;
  try {
    const options = await optionsOf(form), creates = form.dataset.passkey === "create";
    const credential = await (creates ? navigator.credentials.create(options) : navigator.credentials.get(options));
    form.elements.credential.value = JSON.stringify(asJson(credential));
    form.submit();
  } catch {
    fault.hidden = false;
    button.disabled = false;
    button.focus();
  }
}

async function optionsOf(form) {
  let options = form.dataset.options ? JSON.parse(form.dataset.options) : null;
  if (!options) {
    const response = await fetch(form.dataset.asks, { headers: { Accept: "application/json" } });
    options = (await response.json()).request_options;
  }
  return decoded(options);
}

/** The options of the server as the browser takes them. */
export function decoded(options) {
  const key = options.publicKey;
  key.challenge = bytes(key.challenge);
  if (key.user) key.user.id = bytes(key.user.id);
  for (const each of [...key.excludeCredentials ?? [], ...key.allowCredentials ?? []]) each.id = bytes(each.id);
  return options;
}

/** As JSON has it: https://www.w3.org/TR/webauthn-3/#sctn-parseCreationOptionsFromJSON */
export function asJson(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  const id = text(credential.rawId);
  return { id, rawId: id, response, type: credential.type, clientExtensionResults: credential.getClientExtensionResults() };
}

function bytes(base64url) {
  return Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function offerCopy(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copies).textContent.trim());
    button.nextElementSibling.textContent = button.dataset.done;
  });
}
