// Follows a job by server-sent events and shows how far it is, in every element with `data-events`.
import { send } from "./api.js";
import { formatCount, formatSeconds, words } from "./dom.js";

// Calls `onJob` with the job at every change, `onTrouble` while the connection is away. Returns a
// function that stops.
export function follow(url, { onJob, onTrouble = () => {} }) {
  const source = new EventSource(url);
  const heard = (event) => onJob(JSON.parse(event.data));
  source.addEventListener("progress", heard);
  source.addEventListener("end", (event) => {
    source.close();
    heard(event);
  });
  source.addEventListener("error", () => onTrouble(source.readyState === EventSource.CLOSED));
  return () => source.close();
}

export function show(place) {
  const part = (name) => place.querySelector(`[data-part="${name}"]`);
  const bar = part("bar"), step = part("step"), time = part("time"), said = part("said"), cancel = part("cancel");

  function onJob(job) {
    const isOver = Boolean(job.ended_at);
    place.dataset.job = job.state;
    step.textContent = job.step || words(job.state);
    showBar(job, isOver);
    time.textContent = !isOver && job.eta_s !== null ? `about ${formatSeconds(job.eta_s)} left` : "";
    said.textContent = sentence(job);
    if (cancel) {
      cancel.hidden = isOver;
      cancel.disabled = job.cancel_requested;
    }
    if (isOver) place.dispatchEvent(new CustomEvent("job-end", { detail: job, bubbles: true }));
  }

  function showBar(job, isOver) {
    if (isOver) {
      bar.max = 1;
      bar.value = job.state === "completed" || !job.total ? 1 : job.done / job.total;
    } else if (job.total) {
      bar.max = job.total;
      bar.value = job.done;
    } else bar.removeAttribute("value");
  }

  function onTrouble(isClosed) {
    place.dataset.job = "trouble";
    said.textContent = isClosed
      ? "This job cannot be followed. Reload the page to see where it is."
      : "The connection is away; trying again.";
  }

  async function onCancel() {
    cancel.disabled = true;
    try {
      await send("DELETE", place.dataset.cancel);
    } catch (error) {
      cancel.disabled = false;
      said.textContent = error.message;
    }
  }

  cancel?.addEventListener("click", onCancel);
  return follow(place.dataset.events, { onJob, onTrouble });
}

function sentence(job) {
  const count = job.total ? `${formatCount(job.done)} of ${formatCount(job.total)}` : job.done ? formatCount(job.done) : "";
  if (job.state === "failed") return `Failed: ${job.error ?? job.error_code ?? "the log says why"}`;
  if (job.ended_at) return [capital(words(job.state)), count].filter(Boolean).join(", ");
  if (job.cancel_requested) return "Stopping";
  if (job.state === "pending") return job.error ? `Waits to try again: ${job.error}` : "Waits for a worker";
  return count;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

for (const place of document.querySelectorAll("[data-events]")) show(place);
