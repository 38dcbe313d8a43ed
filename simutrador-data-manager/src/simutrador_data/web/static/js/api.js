// Asks the service, and turns its problem+json into an error that people can read.

export class Problem extends Error {}

export async function getJson(path, parameters, signal) {
  const response = await ask(`${path}?${query(parameters)}`, { Accept: "application/json" }, signal);
  return response.json();
}

export async function getPage(address, signal) {
  const response = await ask(address, { Accept: "text/html" }, signal);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

export function isAbort(error) {
  return error?.name === "AbortError";
}

function query(parameters) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null) words.append(name, one);
  }
  return words;
}

async function ask(address, headers, signal) {
  let response;
  try {
    response = await fetch(address, { headers, signal });
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
