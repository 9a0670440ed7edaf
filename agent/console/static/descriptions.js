// What the box listens for: live scores while somebody makes a noise, and the editor.

import { get, send } from "./api.js";
import { fill, h, icon, say, set } from "./dom.js";
import { clock, severityName, t } from "./words.js";

/**
 * @typedef {{id: string, text: string, severity: string, threshold: number, auto: boolean,
 *   enabled: boolean, line: number | null}} Entry
 * @typedef {{line: number | null, where: string, found: string, remedy: string}} Problem
 * @typedef {{element: HTMLElement, meter: HTMLElement, told: HTMLElement, limit: HTMLElement,
 *   entry: Entry, threshold: number, peak: number, at: number}} Bar
 */

const CHECK_MS = 250;
const HOLD_MS = 3000;
// The mark stands at two thirds of the bar.
const FULL = 1.5;

export class DescriptionsPage {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.title = t("descriptions");
    /** @type {Map<string, Bar>} */
    this.bars = new Map();
    this.file = { text: "", digest: "", writable: false, name: "" };
    this.number = 0;
    this.bars_list = h("ul.bars");
    this.note = h("div.note");
    this.force = h("p.force", { role: "status" });
    this.area = h("textarea", { id: "yaml", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", rows: 18, "aria-describedby": "verdict" });
    this.gutter = h("div.gutter", { "aria-hidden": "true" });
    this.verdict = h("p.verdict", { id: "verdict", role: "status" });
    this.problems = h("ul.problems");
    this.save = h("button.primary", { disabled: true, onclick: () => this.store() }, t("save"));
    this.revert = h("button.plainbutton", { disabled: true, onclick: () => this.show(this.file.text) }, t("revert"));
    this.area.addEventListener("input", () => this.written());
    this.area.addEventListener("scroll", () => { this.gutter.scrollTop = this.area.scrollTop; });
    this.area.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); this.store(); }
    });
    /** @type {HTMLElement} */
    this.element = h("div.page.wide", {},
      h("section", {}, h("h1", {}, t("hears")), h("p.muted", {}, t("hearsLong")), this.note, this.bars_list),
      h("section.panel.editor", {}, h("h2", {}, t("editor")), this.force,
        h("label.hidden", { for: "yaml" }, t("editorLabel")), h("div.code", {}, this.gutter, this.area),
        this.verdict, this.problems, h("div.row", {}, this.revert, this.save)));
    this.element.addEventListener("scores", (event) => this.heard(/** @type {CustomEvent} */ (event).detail));
    for (const name of ["config", "overview"]) this.element.addEventListener(name, () => this.inForce());
  }

  async start() {
    this.fading = setInterval(() => this.fade(), 200);
    await this.load();
    this.inForce();
  }

  stop() {
    clearInterval(this.fading);
    clearTimeout(this.waiting);
  }

  async load() {
    const answer = await get("/api/descriptions");
    if (!answer.ok) { say(this.verdict, t("failed", answer.data.reason || t("noServer"))); return; }
    this.file = answer.data;
    this.area.value = answer.data.text;
    this.lines(answer.data.problems);
    this.list(answer.data.entries);
    this.tell(answer.data.problems, answer.data.notes, answer.data.entries.length);
    this.state(false, "");
    fill(this.note, !this.app.session.scores && [h("p", {}, t("scoresOff")), h("pre", {}, "publish:\n  scores: true")]);
  }

  /** @param {string} text */
  show(text) {
    this.area.value = text;
    this.written();
  }

  written() {
    const changed = this.area.value !== this.file.text;
    this.state(changed, changed ? t("checking") : "");
    this.lines([]);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.check(), CHECK_MS);
  }

  async check() {
    const number = ++this.number;
    const answer = await send("/api/descriptions/check", { text: this.area.value });
    if (number !== this.number) return; // something was written meanwhile
    if (!answer.ok) { say(this.verdict, t("failed", answer.data.reason || t("noServer"))); return; }
    const { problems, notes, entries } = answer.data;
    this.lines(problems);
    this.tell(problems, notes, entries.length);
    this.save.disabled = problems.length > 0 || this.area.value === this.file.text || !this.file.writable;
  }

  /** @param {boolean} changed @param {string} told */
  state(changed, told) {
    this.save.disabled = true;
    this.revert.disabled = !changed;
    if (told) say(this.verdict, told);
  }

  /** @param {Problem[]} problems @param {Problem[]} notes @param {number} count */
  tell(problems, notes, count) {
    this.verdict.dataset.state = problems.length ? "bad" : "fine";
    const wrong = problems.length === 0 ? t("noProblem", count) : problems.length === 1 ? t("problem") : t("problems", problems.length);
    const found = notes.length ? `${wrong} · ${t("notes", notes.length)}` : wrong;
    say(this.verdict, this.file.writable || !this.file.digest ? found : `${found} · ${t("readOnly")}`);
    set(this.area, "aria-invalid", problems.length > 0);
    fill(this.problems, [...problems, ...notes].map((one) => h(problems.includes(one) ? "li" : "li.noted", {}, h("button.plainbutton", { onclick: () => this.jump(one.line ?? 1) },
      h("strong", {}, t("line", one.line ?? 1)), h("span", {}, `${one.where} ${one.found}; ${one.remedy}`)))));
  }

  /** @param {Problem[]} problems */
  lines(problems) {
    const bad = new Set(problems.map((one) => one.line));
    const count = this.area.value.split("\n").length;
    fill(this.gutter, Array.from({ length: count }, (_, at) => h(bad.has(at + 1) ? "span.bad" : "span", {}, at + 1)));
    this.gutter.scrollTop = this.area.scrollTop;
  }

  /** @param {number} line */
  jump(line) {
    const before = this.area.value.split("\n").slice(0, line - 1).join("\n");
    const start = before.length + (line > 1 ? 1 : 0);
    const end = this.area.value.indexOf("\n", start);
    this.area.focus();
    this.area.setSelectionRange(start, end < 0 ? this.area.value.length : end);
    this.area.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(this.area).lineHeight));
  }

  async store() {
    if (this.save.disabled) return;
    this.save.disabled = true;
    const text = this.area.value;
    const answer = await send("/api/descriptions", { text, base: this.file.digest }, "PUT");
    if (!answer.ok) {
      this.verdict.dataset.state = "bad";
      say(this.verdict, answer.data.reason === "conflict" ? t("conflict") : t("saveFailed", answer.data.reason || t("noServer")));
      if (answer.data.reason === "conflict") fill(this.problems, h("li", {}, h("button.plainbutton", { onclick: () => this.load() }, t("load"))));
      this.save.disabled = answer.data.reason === "conflict";
      return;
    }
    this.file = { ...this.file, text, digest: answer.data.digest };
    await this.load();
    say(this.verdict, t("saved"));
    this.inForce();
  }

  /** What the box says of the file, and the thresholds that it goes by. */
  inForce() {
    const config = this.app.known.config;
    for (const bar of this.bars.values()) this.mark(bar);
    this.force.dataset.state = config?.error ? "bad" : "fine";
    if (!config) { fill(this.force); return; }
    const same = config.descriptions === this.file.digest;
    fill(this.force, t("inForce", config.count, clock(Date.parse(config.loaded_at) / 1000)), " ",
      config.error ? [t("boxRefused"), h("span.why", {}, config.error)] : this.file.digest && (same ? t("sameAsFile") : t("notYet")));
  }

  /** @param {Entry[]} entries */
  list(entries) {
    this.bars.clear();
    fill(this.bars_list, entries.map((entry) => {
      const told = h("span.value");
      const meter = h("div.meter.live", { "aria-hidden": "true" }, h("span.fill"), h("span.tick"));
      const limit = h("small");
      const element = h("li.bar", { "data-off": !entry.enabled, "data-id": entry.id }, h("span.name", {}, h("span", {}, entry.text), limit), told, meter);
      const bar = { element, meter, told, limit, entry, threshold: entry.threshold, peak: -Infinity, at: 0 };
      this.bars.set(entry.id, bar);
      this.mark(bar);
      return element;
    }));
  }

  /** What the box goes by, if it has said so: calibrated and moved by answers, or set by an operator. @param {Bar} bar */
  mark(bar) {
    const { entry } = bar;
    const told = this.app.known.config?.thresholds?.[entry.id];
    const known = typeof told === "number";
    bar.threshold = known ? told : entry.threshold;
    const chosen = this.app.known.config?.operator_thresholds?.[entry.id];
    const by = chosen ? t("setBy", chosen.operator ?? "?", clock(Date.parse(chosen.ts) / 1000)) : entry.auto && t(known ? "auto" : "autoNow");
    const limit = t("threshold", bar.threshold.toFixed(1)) + (by ? ` (${by})` : "");
    say(bar.limit, `${entry.id} · ${severityName(entry.severity)} · ${entry.enabled ? limit : t("off")}`);
  }

  /** @param {{source: string, scores: Record<string, number>}} message */
  heard(message) {
    const now = performance.now();
    fill(this.note);
    for (const [id, score] of Object.entries(message.scores ?? {})) {
      const bar = this.bars.get(id);
      if (!bar || typeof score !== "number") continue;
      if (score >= bar.peak || now - bar.at > HOLD_MS) { bar.peak = score; bar.at = now; }
      this.drawBar(bar, score);
    }
  }

  fade() {
    const now = performance.now();
    for (const bar of this.bars.values()) if (bar.peak > -Infinity && now - bar.at > HOLD_MS) set(bar.element, "data-heard", null);
  }

  /** @param {Bar} bar @param {number} score */
  drawBar(bar, score) {
    const full = Math.max(bar.threshold, 0.1) * FULL;
    bar.meter.style.setProperty("--score", `${Math.min(100, Math.max(0, (100 * score) / full))}%`);
    bar.meter.style.setProperty("--threshold", `${100 / FULL}%`);
    const reached = bar.peak >= bar.threshold;
    set(bar.element, "data-heard", reached);
    fill(bar.told, (reached ? bar.peak : score).toFixed(1), reached && h("span.yes", {}, icon("check"), t("heard")));
  }
}
