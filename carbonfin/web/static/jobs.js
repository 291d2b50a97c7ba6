/* A page with [data-events] hears how a job goes on and takes the changed part anew; without script there is a link. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("[data-events]");
  if (!place || !window.EventSource || !window.htmx) return;
  const source = new EventSource(place.dataset.events);
  const renew = () => window.htmx.ajax("GET", place.dataset.address, { target: place, swap: "innerHTML" });
  source.addEventListener("progress", renew);
  source.addEventListener("ended", () => {
    source.close();
    renew();
  });
  window.addEventListener("pagehide", () => source.close());
});
