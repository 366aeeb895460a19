// Signing answers with a passkey. The server makes a challenge of exactly these answers, and the browser asks for the passkey
// (WebAuthn). Loaded when an answer needs it, and by the page that answers several at once.

import { asJson, decoded, isPossible } from "./passkeys.js";

const form = document.querySelector(".answer-several");

/**
 * The signature of `answers` ({id, action, comment, variables, values, revision}), to be sent with them. Throws an error: with the message
 * “unable” where there are no passkeys; what the server or the browser refuses has others.
 */
export async function sign(answers, csrf) {
  if (!isPossible()) throw new Error("unable");
  const asked = answers.map(({ id, action, comment = "", values = {}, revision = "" }) => ({ notification: id, action, comment, values, revision }));
  const response = await fetch("/api/v1/signatures", {
    method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": csrf }, body: JSON.stringify({ answers: asked }),
  });
  const challenge = await response.json();
  if (!response.ok) throw new Error(challenge.code);
  const credential = await navigator.credentials.get(decoded(challenge.options));
  return { challenge: challenge.id, credential: asJson(credential) };
}

// --- several at once -------------------------------------------------------------------------------------------------
/** A page that comes back from the browser's cache has the members of the answer that was signed there. */
window.addEventListener("pageshow", () => form?.querySelectorAll("[data-signed]").forEach((each) => each.remove()));

form?.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !("signature" in button.dataset)) return;
  event.preventDefault();
  signAll(button);
});

async function signAll(button) {
  const note = document.querySelector("[data-signing]"), fault = document.getElementById("fault");
  const comment = (form.elements.comment?.value ?? "").trim(), csrf = form.elements.csrfmiddlewaretoken.value;
  const chosen = [...form.querySelectorAll('[name="n"]')].map(({ value }) => value.split(" "));
  const answers = chosen.map(([id, revision = ""]) => ({ id, revision, action: button.value, comment }));
  fault.hidden = true;
  button.disabled = true;
  try {
    const signature = await sign(answers, csrf);
    for (const [name, value] of [["action", button.value], ["signature", JSON.stringify(signature)]]) {
      const input = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      input.dataset.signed = "";
      form.append(input);
    }
    form.submit();
  } catch (error) {
    fault.textContent = error.message === "unable" ? note.dataset.unable : note.dataset.failed;
    fault.hidden = false;
    button.disabled = false;
    button.focus();
  }
}
