// The overview: filters while one types, and fills in how complete each series is.
import { getPage, isAbort } from "../kit/js/api.js";
import { fillPending } from "./pending_rows.js";

const PAUSE_MS = 150;
const form = document.getElementById("filter");

let counting = new AbortController();
let asking = new AbortController();
let timer;

function count() {
  counting.abort();
  counting = new AbortController();
  const body = document.getElementById("rows");
  if (body) fillPending(body, counting.signal);
}

async function filter() {
  asking.abort();
  asking = new AbortController();
  const address = `/?${new URLSearchParams(new FormData(form))}`;
  try {
    const page = await getPage(address, asking.signal);
    const listing = page.getElementById("listing");
    if (!listing) return location.reload();
    document.getElementById("listing").replaceWith(listing);
    history.replaceState(null, "", address);
    count();
  } catch (error) {
    if (!isAbort(error)) document.getElementById("found").textContent = error.message;
  }
}

if (form) {
  form.classList.add("live");
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, PAUSE_MS); });
}
count();
