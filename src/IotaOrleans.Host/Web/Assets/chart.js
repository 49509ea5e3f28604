"use strict";

// Two loss curves over the optimizer steps, with ticks and a readout for pointer and arrow keys.
class LossChart {
  constructor(svg, readout) {
    this.svg = svg;
    this.readout = readout;
    this.series = { train: [], validation: [] };
    this.cursor = null;
    svg.addEventListener("pointermove", event => this.point(event.clientX - svg.getBoundingClientRect().left));
    svg.addEventListener("pointerdown", event => this.point(event.clientX - svg.getBoundingClientRect().left));
    svg.addEventListener("pointerleave", () => this.select(null));
    svg.addEventListener("blur", () => this.select(null));
    svg.addEventListener("keydown", event => this.key(event));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  show(train, validation) {
    const finite = points => points.filter(point => Number.isFinite(point.loss));
    this.series = { train: finite(train), validation: finite(validation) };
    this.draw();
  }

  // Round steps of 1, 2 or 5 times a power of ten, about `count` of them.
  static ticks(low, high, count) {
    const rough = Math.max(high - low, 1e-9) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find(factor => factor * power >= rough) * power;
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step || 0);
    return { ticks, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
  }

  draw() {
    const { train, validation } = this.series;
    const all = [...train, ...validation];
    const width = this.svg.clientWidth, height = this.svg.clientHeight;
    this.svg.replaceChildren();
    this.scale = null;
    if (!width) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (all.length === 0) {
      this.svg.append(element("text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "the first step is on its way"));
      this.describe();
      return;
    }

    const margin = { left: 40, right: 12, top: 10, bottom: 26 };
    const steps = all.map(point => point.step), losses = all.map(point => point.loss);
    const x0 = Math.min(...steps) === 1 ? 0 : Math.min(...steps), x1 = Math.max(...steps, x0 + 1);
    const room = (Math.max(...losses) - Math.min(...losses)) * 0.06 || 0.1;
    const y0 = Math.max(0, Math.min(...losses) - room), y1 = Math.max(...losses) + room;
    const x = step => margin.left + (step - x0) / (x1 - x0) * (width - margin.left - margin.right);
    const y = loss => height - margin.bottom - (loss - y0) / (y1 - y0) * (height - margin.top - margin.bottom);
    this.scale = { x, y, margin, width, height };

    const vertical = LossChart.ticks(y0, y1, height / 36);
    for (const tick of vertical.ticks) {
      this.svg.append(
        element("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: y(tick), y2: y(tick) }),
        element("text", { x: margin.left - 8, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(vertical.decimals)));
    }
    const horizontal = LossChart.ticks(x0, x1, Math.max(2, width / 130)).ticks.filter(Number.isInteger);
    for (const tick of horizontal) {
      const label = format.count(tick), nearEnd = x(tick) > width - margin.right - 24;
      this.svg.append(element("text", { x: nearEnd ? width - margin.right : x(tick), y: height - 6, "text-anchor": nearEnd ? "end" : "middle" }, label));
    }

    for (const [name, points] of Object.entries(this.series)) {
      const path = points.map((point, i) => (i ? "L" : "M") + x(point.step).toFixed(1) + " " + y(point.loss).toFixed(1)).join("");
      this.svg.append(element("path", { class: "line " + name, d: path }));
    }
    if (validation.length <= 40) {
      for (const point of validation) this.svg.append(element("circle", { class: "point validation", cx: x(point.step), cy: y(point.loss), r: 3 }));
    }
    this.marks = element("g");
    this.svg.append(this.marks);
    this.select(this.cursor);
  }

  point(position) {
    if (!this.scale) return;
    const points = this.series.train.length ? this.series.train : this.series.validation;
    const distance = point => Math.abs(this.scale.x(point.step) - position);
    this.select(points.reduce((best, point) => distance(point) < distance(best) ? point : best, points[0]).step);
  }

  key(event) {
    const points = this.series.train;
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined || points.length === 0) return;
    event.preventDefault();
    const at = this.cursor === null ? points.length - 1 : points.findIndex(point => point.step === this.cursor);
    this.select(points[Math.max(0, Math.min(points.length - 1, at + by))].step);
  }

  // Marks a step and reads it out; without one, the newest figures are read out.
  select(step) {
    this.cursor = step;
    if (!this.scale) return;
    const upTo = points => step === null ? points.at(-1) : points.findLast(point => point.step <= step);
    const train = upTo(this.series.train), validation = upTo(this.series.validation);
    this.marks.replaceChildren();
    if (step !== null) {
      const { x, y, margin, height } = this.scale;
      this.marks.append(element("line", { class: "cursor", x1: x(step), x2: x(step), y1: margin.top, y2: height - margin.bottom }));
      for (const [name, point] of [["train", train], ["validation", validation]]) {
        if (point) this.marks.append(element("circle", { class: `point solid ${name}`, cx: x(point.step), cy: y(point.loss), r: 3.5 }));
      }
    }

    const parts = [];
    if (train) parts.push(element("span", {}, "step ", element("b", {}, format.count(train.step))));
    if (train) parts.push(element("span", { class: "train" }, "training ", element("b", {}, format.loss(train.loss))));
    if (validation) parts.push(element("span", { class: "validation" }, "validation ", element("b", {}, format.loss(validation.loss)),
      validation.step === train?.step ? "" : ` at ${format.count(validation.step)}`));
    this.readout.replaceChildren(...parts);
    this.readout.setAttribute("aria-live", step === null ? "off" : "polite");
    this.describe();
  }

  describe() {
    const told = (name, points) => points.length === 0 ? `no ${name} loss yet`
      : `${name} loss from ${format.loss(points[0].loss)} at step ${points[0].step} to ${format.loss(points.at(-1).loss)} at step ${points.at(-1).step}`;
    this.svg.setAttribute("aria-label", `${told("training", this.series.train)}; ${told("validation", this.series.validation)}. Arrow keys read single steps.`);
  }
}
