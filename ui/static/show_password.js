// Puts a button below each password field that shows what was typed (NIST SP 800-63B-4 §3.1.1.2). Without
// this the field is what it was. The label of the button stays and its state is said (ARIA, aria-pressed).
"use strict";
for (const field of document.querySelectorAll("input[data-show]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "reveal";
  button.textContent = field.dataset.show;
  button.setAttribute("aria-controls", field.id);
  if (field.labels[0]) button.setAttribute("aria-description", field.labels[0].textContent);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  };
  show(false);
  // As text it would be spell-checked, which some browsers do elsewhere.
  field.spellcheck = false;
  field.autocapitalize = "none";
  button.addEventListener("click", () => show(field.type === "password"));
  // It leaves as a password, so that a browser keeps it with the passwords and not with what was typed.
  field.form.addEventListener("submit", () => show(false));
  field.after(button);
}
