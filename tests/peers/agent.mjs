// A person with a browser that has no JavaScript: follows redirects, keeps cookies, fills in forms.

const DECODED = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#34;': '"', '&#38;': '&', '&#39;': "'", '&#60;': '<', '&#62;': '>' };
const decode = (text) => text.replace(/&(?:amp|lt|gt|quot|#3[489]|#6[02]);/g, (entity) => DECODED[entity]);

const attribute = (tag, name) => {
  const found = tag.match(new RegExp(`\\s${name}="([^"]*)"`));
  return found && decode(found[1]);
};

export class Agent {
  #cookies = new Map();

  /**
   * Goes to an address and fills in whatever page comes, until it is sent to `place` or until no
   * filling is left. Gives the address it was sent to, or the page that it stopped at.
   */
  async walk(address, place, fillings) {
    let step = await this.#get(address);
    for (let hops = 0; hops < 20; hops += 1) {
      if (step.location?.startsWith(place)) return new URL(step.location);
      if (step.location) {
        step = await this.#get(step.location);
        continue;
      }
      const form = parseForm(step.text, step.address);
      if (form?.action.startsWith(place)) return form;
      const filling = form && fillings[new URL(form.action).pathname];
      if (!filling) return step;
      step = await this.#post(form.action, { ...form.fields, ...filling });
    }
    throw new Error('it goes round in circles');
  }

  async #get(address) {
    return this.#ask(address, { method: 'GET' });
  }

  async #post(address, fields) {
    const body = new URLSearchParams(fields);
    const origin = new URL(address).origin;
    return this.#ask(address, { method: 'POST', body, headers: { origin, 'sec-fetch-site': 'same-origin' } });
  }

  async #ask(address, request) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...request.headers, ...(cookie && { cookie }) };
    const answer = await fetch(address, { ...request, headers, redirect: 'manual' });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const location = answer.headers.get('location');
    return {
      address,
      status: answer.status,
      headers: answer.headers,
      text: await answer.text(),
      location: location && new URL(location, address).href,
    };
  }
}

/** Reads the one form of a page. */
export function parseForm(text, address) {
  const form = text.match(/<form[^>]*>[\s\S]*?<\/form>/)?.[0];
  if (!form) return undefined;
  const fields = {};
  for (const [tag] of form.matchAll(/<input[^>]*>/g)) {
    if (attribute(tag, 'type') === 'hidden') fields[attribute(tag, 'name')] = attribute(tag, 'value');
  }
  return { action: new URL(attribute(form.match(/<form[^>]*>/)[0], 'action'), address).href, fields };
}
