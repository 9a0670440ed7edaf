// The last minutes of a microphone: level and nearest descriptions, a mark to move, and the sound there.

import { get, send } from "./api.js";
import { fill, h, icon, requestId, say, set } from "./dom.js";
import { Player } from "./player.js";
import { span, t, why } from "./words.js";

/** @typedef {{from: string, to: string, levels: [number, number | null][], error_ids: string[], descriptions: string[], nearest: [number, number, number][]}} Curve */

const AROUND_S = 5;
const QUIETEST_DBFS = -80;
// So far below its threshold a description is still worth a mark.
const NEAR = -3;
const WIDTH = 900, HEIGHT = 160;
const SVG = "http://www.w3.org/2000/svg";

export class Timeline {
  /** @param {() => string} source @param {() => void} moved */
  constructor(source, moved) {
    this.source = source;
    this.moved = moved;
    /** @type {Curve | null} */
    this.curve = null;
    this.asked = "";
    this.sound = "";
    this.came_ms = 0;
    this.length = 0;
    this.button = h("button.plainbutton", { onclick: () => this.look() }, icon("more"), h("span", {}, t("look")));
    this.told = h("p.state", { role: "status" });
    this.picture = h("div.curve", { "aria-hidden": "true" });
    this.mark = h("input.seek", { type: "range", min: 0, max: 1, step: 0.5, value: 0, "aria-label": t("timelineMark") });
    this.at = h("p.at", { role: "status" });
    this.player = new Player();
    this.hear = h("button.plainbutton", { onclick: () => this.listen() }, icon("play"), h("span", {}, t("hearIt")));
    this.body = h("div.timeline", { hidden: true }, h("h3", {}, t("timeline")), h("p.muted", {}, t("timelineLong")), this.picture, this.mark, this.at, h("div.row", {}, this.hear), this.player.element);
    this.element = h("div", {}, h("div.row", {}, this.button), this.told, this.body);
    this.mark.addEventListener("input", () => { this.place(); this.moved(); });
  }

  clear() {
    this.player.stop();
    this.curve = null;
    this.asked = this.sound = "";
    this.body.hidden = true;
    say(this.told, "");
  }

  /** Another time was chosen. */
  release() {
    this.player.stop();
  }

  async look() {
    this.asked = requestId();
    say(this.told, t("looking"));
    const answer = await send("/api/recent", { request_id: this.asked, source: this.source(), kind: "curve" });
    if (!answer.ok) say(this.told, t("lookFailed", answer.data.reason || t("noServer")));
  }

  /** Seconds ago, by the box's clock, whatever this device's says. @param {number} offset @returns {number} */
  ago(offset) {
    return Math.max(0, this.length - offset + (performance.now() - this.came_ms) / 1000);
  }

  /** @returns {[number, number] | null} seconds ago: from, to */
  marked() {
    if (!this.curve) return null;
    const at = Number(this.mark.value);
    const begin = Math.max(0, at - AROUND_S), end = Math.min(this.length, at + AROUND_S);
    return [this.ago(begin), this.ago(end)];
  }

  async listen() {
    const marked = this.marked();
    if (!marked) return;
    this.sound = requestId();
    say(this.told, t("looking"));
    const answer = await send("/api/recent", { request_id: this.sound, source: this.source(), kind: "audio", from_s_ago: marked[0], to_s_ago: marked[1] });
    if (!answer.ok) say(this.told, t("lookFailed", answer.data.reason || t("noServer")));
  }

  /** What the box made of a command. @param {any} result */
  result(result) {
    if (result.accepted || ![this.asked, this.sound].includes(result.request_id)) return;
    say(this.told, t("lookFailed", why(result.reason, result.code && [result])));
  }

  /** Something that was asked for is here, or does not come. @param {any} message */
  async came(message) {
    if (message.request_id !== this.asked && message.request_id !== this.sound) return;
    if (message.reason) { say(this.told, t("lookFailed", why(message.reason, message.code && [message]))); return; }
    const path = `/api/recent/${message.request_id}`;
    if (message.request_id === this.sound) {
      say(this.told, "");
      this.player.load(path, 0);
      this.player.toggle();
      return;
    }
    const answer = await get(path);
    if (!answer.ok) { say(this.told, t("lookFailed", answer.data.reason)); return; }
    this.show(answer.data);
  }

  /** @param {Curve} curve */
  show(curve) {
    this.curve = curve;
    this.came_ms = performance.now();
    this.length = (Date.parse(curve.to) - Date.parse(curve.from)) / 1000;
    say(this.told, "");
    this.body.hidden = false;
    set(this.mark, "max", this.length);
    const best = curve.nearest.reduce((/** @type {[number, number, number] | null} */ one, other) => (!one || other[2] > one[2] ? other : one), null);
    this.mark.value = String(best ? best[0] : this.length);
    this.draw();
    this.place();
    this.moved();
  }

  draw() {
    const { curve, length } = this;
    if (!curve || !length) return;
    const x = (/** @type {number} */ at) => (WIDTH * at) / length;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    const add = (/** @type {string} */ name, /** @type {Record<string, any>} */ attributes) => {
      const element = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
      svg.append(element);
      return element;
    };
    const points = curve.levels.map(([at, level]) => `${x(at).toFixed(1)},${(HEIGHT * (1 - Math.max(0, 1 - (level ?? QUIETEST_DBFS) / QUIETEST_DBFS))).toFixed(1)}`);
    add("polyline", { points: points.join(" "), class: "level" });
    for (const [at, , over] of curve.nearest) if (over >= NEAR) add("rect", { x: x(at) - 1, width: 3, y: HEIGHT - 24, height: 24, class: over >= 0 ? "over" : "near" });
    this.cursor = add("rect", { y: 0, height: HEIGHT, class: "cursor" });
    fill(this.picture, svg);
  }

  /** Where the mark is. */
  place() {
    const { curve, length } = this;
    if (!curve) return;
    const at = Number(this.mark.value);
    const begin = Math.max(0, at - AROUND_S), end = Math.min(length, at + AROUND_S);
    this.cursor?.setAttribute("x", String((WIDTH * begin) / length));
    this.cursor?.setAttribute("width", String((WIDTH * (end - begin)) / length));
    const here = curve.nearest.filter(([when, , over]) => when >= begin && when <= end && over >= NEAR).sort((one, other) => other[2] - one[2])[0];
    const told = t("timelineAt", span(this.ago(at)), here ? curve.descriptions[here[1]] : t("timelineQuiet"));
    say(this.at, told);
    set(this.mark, "aria-valuetext", told);
    this.mark.style.setProperty("--part", `${(100 * at) / (length || 1)}%`);
  }
}
