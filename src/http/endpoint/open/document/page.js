"use strict";
(async () => {
  const make = (tag, text) => { const node = document.createElement(tag); if (text !== undefined) node.textContent = text; return node; };
  const add = (parent, ...children) => { parent.append(...children.filter(Boolean)); return parent; };
  const byId = (id) => document.getElementById(id);
  let api;
  try {
    const answer = await fetch("openapi.json");
    api = await answer.json();
  } catch {
    byId("about").textContent = "openapi.json could not be loaded.";
    return;
  }
  const follow = (value) => value && value.$ref ? follow(value.$ref.slice(2).split("/").reduce((node, key) => node[key], api)) : value;
  const kind = (schema) => {
    const name = schema && schema.$ref ? schema.$ref.split("/").pop() : "";
    const known = follow(schema) || {};
    if (known.type === "array") return `list of ${kind(known.items)}`;
    if (known.enum) return known.enum.map((word) => JSON.stringify(word)).join(" or ");
    return name || [].concat(known.type || "any").join(" or ") + (known.format ? ` (${known.format})` : "");
  };
  const fields = (schema) => {
    const known = follow(schema) || {};
    if (!known.properties) return null;
    const table = make("table");
    for (const [name, property] of Object.entries(known.properties)) {
      const needed = (known.required || []).includes(name) ? "" : "optional";
      const about = property.description || (follow(property) || {}).description || "";
      add(table, add(make("tr"), add(make("td"), make("code", name)), make("td", kind(property)), make("td", needed), make("td", about)));
    }
    return table;
  };
  const content = (body) => Object.entries(body.content || {}).flatMap(([media, about]) => [
    add(make("p"), make("code", media)),
    fields(about.schema),
    about.example !== undefined ? make("pre", typeof about.example === "string" ? about.example : JSON.stringify(about.example, null, 2)) : null,
  ]);
  const draw = (path, method, operation) => {
    const box = make("details");
    add(box, add(make("summary"), make("b", method.toUpperCase()), make("code", path), make("span", operation.summary)));
    if (operation.description) add(box, make("p", operation.description));
    const parameters = (operation.parameters || []).map(follow);
    if (parameters.length) {
      const table = make("table");
      for (const one of parameters) add(table, add(make("tr"), add(make("td"), make("code", one.name)), make("td", one.in), make("td", kind(one.schema)), make("td", one.description || "")));
      add(box, make("h3", "Parameters"), table);
    }
    if (operation.requestBody) add(box, make("h3", "Body"), ...content(follow(operation.requestBody)));
    for (const [status, response] of Object.entries(operation.responses)) {
      const known = follow(response);
      add(box, make("h3", `${status}: ${known.description}`), ...content(known));
    }
    box.dataset.words = `${path} ${method} ${operation.summary} ${operation.description || ""}`.toLowerCase();
    return box;
  };
  byId("title").textContent = `${api.info.title} ${api.info.version}`;
  byId("about").textContent = api.info.description;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const tag = (operation.tags || ["Other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(draw(path, method, operation));
    }
  }
  for (const [tag, boxes] of groups) add(byId("operations"), add(make("section"), make("h2", tag), ...boxes));
  byId("search").addEventListener("input", (event) => {
    const word = event.target.value.trim().toLowerCase();
    for (const section of document.querySelectorAll("section")) {
      const boxes = [...section.querySelectorAll("details")];
      for (const box of boxes) box.hidden = !box.dataset.words.includes(word);
      section.hidden = boxes.every((box) => box.hidden);
    }
  });
})();
