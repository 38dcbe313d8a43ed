// What a place on the page shows while it has nothing else to show.

export function showLoading(place, text = "Loading…") {
  place.dataset.state = "loading";
  place.setAttribute("aria-busy", "true");
  if (!place.querySelector(":scope > .state")) place.append(note(text));
}

export function showEmpty(place, text) {
  settle(place, "empty");
  place.replaceChildren(note(text));
}

export function showError(place, error, retry) {
  settle(place, "error");
  const box = note(error.message);
  box.setAttribute("role", "alert");
  if (retry) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Try again";
    button.addEventListener("click", retry);
    box.append(button);
  }
  place.replaceChildren(box);
}

export function showReady(place) {
  settle(place, "ready");
  place.querySelector(":scope > .state")?.remove();
}

function settle(place, state) {
  place.dataset.state = state;
  place.removeAttribute("aria-busy");
}

function note(text) {
  const box = document.createElement("div");
  box.className = "state";
  const words = document.createElement("p");
  words.textContent = text;
  box.append(words);
  return box;
}
