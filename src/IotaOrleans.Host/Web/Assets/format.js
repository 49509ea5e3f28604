"use strict";

// Numbers as people read them.
const format = {
  count: value => Math.round(value).toLocaleString("en"),
  loss: value => value == null ? "–" : Number.isFinite(+value) ? (+value).toFixed(4) : "not a number",
  percent: share => (share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0) + " %",
  short(value) {
    const magnitude = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]].find(([size]) => value >= size);
    return magnitude ? +(value / magnitude[0]).toPrecision(3) + magnitude[1] : format.count(value);
  },
  duration(seconds) {
    if (seconds < 60) return Math.ceil(seconds) + " s";
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return minutes + " min";
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? hours + " h " + (minutes % 60) + " min" : Math.round(hours / 24) + " days";
  },
  time: instant => new Date(instant).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }),
};

// An element with text or children; text never becomes markup.
function element(name, attributes, ...content) {
  const svg = ["svg", "g", "path", "line", "circle", "text", "rect"].includes(name);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  node.append(...content.map(part => part instanceof Node ? part : String(part)));
  return node;
}

function bar(share) {
  const fill = element("i");
  fill.style.width = Math.max(0, Math.min(1, share)) * 100 + "%";
  return element("div", { class: "bar", "aria-hidden": "true" }, fill);
}
