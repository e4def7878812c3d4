// A minute of samples as a moving plot on a canvas: stacked areas, and lines over them.

const WINDOW = 60_000;
// Drawn this much behind the newest sample, so that the right edge moves evenly.
const LAG = 250;
const AXIS = 26;
const BRIEF = 12_000;

export class Plot {
  // areas: stacked from the bottom; lines: drawn over them; each is {color, value(sample) -> number or null}.
  // A line that is `brief` may leave the picture at its top a while after its peak.
  // bands: {color, label, on(sample) -> bool}, shaded behind everything. limit(sample): a dashed line.
  constructor(canvas, { areas = [], lines = [], bands = [], limit = () => null, least = 1 }) {
    Object.assign(this, { canvas, areas, lines, bands, limit, least });
    this.top = least;
    this.style = getComputedStyle(document.documentElement);
  }

  draw(samples, now) {
    const { canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);

    const end = now - LAG;
    const shown = samples.filter((s) => s.at > end - WINDOW - 1000);
    this.#rescale(shown, end - BRIEF);
    const base = height - 18;
    const view = {
      pen, width, height, base,
      x: (at) => AXIS + ((at - end + WINDOW) / WINDOW) * (width - AXIS),
      y: (value) => base - (value / this.top) * (base - 8),
    };
    this.#grid(view);
    pen.save();
    pen.beginPath();
    pen.rect(AXIS, 0, width - AXIS, base + 1);
    pen.clip();
    for (const band of this.bands) this.#band(view, shown, band);
    this.#stack(view, shown);
    this.#limit(view, shown);
    for (const line of this.lines) this.#line(view, shown, line);
    pen.restore();
    pen.save();
    for (const band of this.bands) this.#bandLabel(view, shown, band);
    pen.restore();
  }

  // The scale follows the highest value that is in view, in a few frames.
  #rescale(shown, recently) {
    let highest = this.least;
    for (const sample of shown) {
      const stacked = this.areas.reduce((sum, area) => sum + (area.value(sample) ?? 0), 0);
      const counted = this.lines.filter((line) => !line.brief || sample.at > recently);
      const lines = counted.map((line) => line.value(sample) ?? 0);
      highest = Math.max(highest, stacked, this.limit(sample) ?? 0, ...lines);
    }
    const wanted = highest * 1.08;
    this.top += (wanted - this.top) * (Math.abs(wanted - this.top) < 0.01 ? 1 : 0.15);
  }

  #color(name) {
    return this.style.getPropertyValue(`--${name}`);
  }

  #grid({ pen, width, base, x, y }) {
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = this.#color("muted");
    pen.strokeStyle = this.#color("line");
    pen.lineWidth = 1;
    pen.textAlign = "right";
    const step = niceStep(this.top);
    for (let value = 0; value <= this.top; value += step) {
      const at = Math.round(y(value)) + 0.5;
      pen.beginPath();
      pen.moveTo(AXIS, at);
      pen.lineTo(width, at);
      pen.stroke();
      pen.fillText(value, AXIS - 6, at + 3.5);
    }
    const seconds = [[0.5, "30 s ago"], [1, "now"]];
    if (width > 500) seconds.push([0.25, "45 s"], [0.75, "15 s"]);
    for (const [share, label] of seconds) {
      pen.textAlign = share === 1 ? "right" : "center";
      pen.fillText(label, AXIS + share * (width - AXIS), base + 14);
    }
  }

  // Runs of samples for which `on` holds, as [from, to] in time.
  #runs(shown, on) {
    const runs = [];
    let open = null;
    for (const sample of shown) {
      if (on(sample)) {
        open ??= [sample.at, sample.at];
        open[1] = sample.at;
      } else if (open) {
        runs.push([open[0], sample.at]);
        open = null;
      }
    }
    if (open) runs.push([open[0], open[1] + LAG]);
    return runs;
  }

  #band({ pen, base, x }, shown, { color, on }) {
    pen.fillStyle = this.#color(color);
    for (const [from, to] of this.#runs(shown, on)) pen.fillRect(x(from), 0, x(to) - x(from), base);
  }

  #bandLabel({ pen, width, x }, shown, { label, on }) {
    if (!label) return;
    pen.font = "600 12px system-ui, sans-serif";
    pen.fillStyle = this.#color("ink");
    pen.textAlign = "left";
    for (const [from, to] of this.#runs(shown, on)) {
      const left = Math.max(x(from), AXIS) + 5;
      if (Math.min(x(to), width) - left > pen.measureText(label).width) pen.fillText(label, left, 20);
    }
  }

  #stack({ pen, x, y }, shown) {
    const floor = shown.map(() => 0);
    for (const { color, value } of this.areas) {
      pen.fillStyle = this.#color(color);
      shown.forEach((sample, i) => {
        const amount = value(sample);
        if (amount === null || amount === 0 || i + 1 >= shown.length) return;
        // Whole pixels, or a seam would show between one sample and the next.
        const [left, right] = [Math.round(x(sample.at)), Math.round(x(shown[i + 1].at))];
        const high = y(floor[i] + amount);
        pen.fillRect(left, high, right - left, y(floor[i]) - high);
        floor[i] += amount;
      });
    }
  }

  #limit({ pen, x, y }, shown) {
    const limit = shown.length ? shown.map(this.limit).findLast((value) => value !== null) : null;
    if (limit == null) return;
    pen.strokeStyle = this.#color("muted");
    pen.setLineDash([4, 4]);
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, y(limit));
    pen.lineTo(1e5, y(limit));
    pen.stroke();
    pen.setLineDash([]);
  }

  #line({ pen, x, y }, shown, { color, value }) {
    pen.strokeStyle = this.#color(color);
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.beginPath();
    let down = false;
    let last = 0;
    for (const sample of shown) {
      const amount = value(sample);
      if (amount === null) {
        down = false;
        continue;
      }
      if (down) {
        pen.lineTo(x(sample.at), last);
        pen.lineTo(x(sample.at), y(amount));
      } else {
        pen.moveTo(x(sample.at), y(amount));
      }
      down = true;
      last = y(amount);
    }
    pen.stroke();
  }
}

// Whole numbers, at most six of them.
function niceStep(top) {
  for (let power = 1; ; power *= 10) {
    for (const factor of [1, 2, 5]) if (top / (factor * power) <= 6) return factor * power;
  }
}
