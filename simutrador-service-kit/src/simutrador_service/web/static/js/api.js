// Asks the service, and turns its problem+json into an error that people can read.

export class Problem extends Error {}

export async function getJson(path, parameters = {}, signal) {
  const words = query(parameters);
  const response = await ask(words ? `${path}?${words}` : path, { headers: { Accept: "application/json" }, signal });
  return response.json();
}

export async function getPage(address, signal) {
  const response = await ask(address, { headers: { Accept: "text/html" }, signal });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

// Sends a change: method POST, PUT, PATCH or DELETE, with a JSON body where there is one.
export async function send(method, path, body, signal) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await ask(path, { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
  return response.status === 204 ? null : response.json();
}

export function isAbort(error) {
  return error?.name === "AbortError";
}

function query(parameters) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null) words.append(name, one);
  }
  return words.toString();
}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new Problem("The service does not answer. Is it still running?");
  }
  if (!response.ok) throw new Problem(await reason(response));
  return response;
}

async function reason(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `The service answered ${response.status} without a reason.`;
  }
}
