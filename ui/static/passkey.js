// Passkeys (WebAuthn Level 3 §5.1): asks the browser for one, puts what it says into the page's form, and
// sends the form. A page has one form that is marked for it:
//   data-passkey    "get" to show a passkey, "create" to make one
//   data-options    what the server asks for, as JSON (§5.1.9, §5.1.10)
//   data-offered    the browser may offer passkeys where the address is typed (§5.1.4, conditional mediation)
// The button stays hidden where this does not run, so that nobody is shown what would not work.
"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  const button = form?.querySelector("[data-passkey-button]");
  if (!button) return;
  const status = form.querySelector("[data-passkey-status]");
  const { passkey: kind, options } = form.dataset;
  let offer = null;

  const say = (word) => {
    status.textContent = status.dataset[word];
    status.hidden = false;
  };

  const send = (credential) => {
    // Whatever stands in the field for the password is not meant.
    if (form.elements.password) form.elements.password.disabled = true;
    form.elements.response.value = JSON.stringify(credential.toJSON());
    button.disabled = true;
    // Not requestSubmit: the other fields of a sign-in may be empty.
    form.submit();
  };

  const read = () => {
    const asked = JSON.parse(options);
    const json = asked.publicKey ?? asked;
    return kind === "create"
      ? PublicKeyCredential.parseCreationOptionsFromJSON(json)
      : PublicKeyCredential.parseRequestOptionsFromJSON(json);
  };

  // Lets the browser offer passkeys among what it fills in. That nobody chooses one is no failure.
  const wait = async () => {
    if (!("offered" in form.dataset)) return;
    const controller = new AbortController();
    offer = controller;
    try {
      if (!(await PublicKeyCredential.isConditionalMediationAvailable())) return;
      if (controller.signal.aborted) return;
      send(await navigator.credentials.get({
        publicKey: read(), mediation: "conditional", signal: controller.signal,
      }));
    } catch {
      // The form is still there.
    }
  };

  const ask = async () => {
    status.hidden = true;
    // A browser holds one question at a time.
    offer?.abort();
    try {
      const publicKey = read();
      send(kind === "create"
        ? await navigator.credentials.create({ publicKey })
        : await navigator.credentials.get({ publicKey }));
    } catch (error) {
      say(error.name === "InvalidStateError" ? "known" : "failed");
      wait();
    }
  };

  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    // On a sign-in the password is there; elsewhere somebody came for this.
    if (!("offered" in form.dataset)) say("unsupported");
    return;
  }
  button.hidden = false;
  if (kind === "create") {
    // The button sends the form, so that the name is demanded and Enter means the button.
    button.disabled = false;
    form.addEventListener("submit", (event) => {
      if (event.submitter !== button) return;
      event.preventDefault();
      ask();
    });
  } else {
    button.addEventListener("click", ask);
  }
  wait();
})();
