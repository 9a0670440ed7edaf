// The rating task: how well does a sentence fit a recording, 0 to 100?

import { send } from "./api.js";
import { fill, h, icon, recall, say, set } from "./dom.js";
import { Player } from "./player.js";
import { t } from "./words.js";

const MARKS = /** @type {const} */ ([0, 25, 50, 75, 100]);
// A recording has to be heard to its end, or this much of a long one.
const HEARD_S = 10;
const ROUND_MS = 20 * 60 * 1000;

export class RatePage {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.title = t("rateTitle");
    /** @type {[string, string][]} */
    this.keys = [["Space", t("keyPlay")], ["1 – 5", MARKS.join(", ")], ["← →", "± 1"], ["Enter", t("next")]];
    this.began = Date.now();
    /** @type {number | null} */
    this.value = null;
    this.heard = false;
    this.played = 0;
    this.body = h("div");
    this.element = h("div.page", {}, h("div.title", {}, h("h1", {}, t("rateTitle"))), this.body, this.anchors());
    this.element.addEventListener("operator", () => this.ask());
  }

  async start() {
    if (!this.app.session.rating) {
      fill(this.body, h("div.empty", {}, h("span.halo", {}, icon("rate")), h("p", {}, t("rateNone")), h("p.muted", {}, t("rateNoneLong"))));
      return;
    }
    if (recall("operator")) await this.ask();
    else fill(this.body, h("div.empty", {}, h("p", {}, t("rateIntro")), h("button.primary", { onclick: () => this.app.askWho() }, t("rateWho"))));
  }

  stop() {
    this.player?.stop();
  }

  async ask() {
    const rater = recall("operator");
    if (rater && this.app.session.rating) this.take(await send("/api/rating", { rater }), rater);
  }

  /** @param {import("./api.js").Answer} answer @param {string} rater */
  take(answer, rater) {
    if (!answer.ok) { this.fail(answer.data.reason); return; }
    const { item, done, total, steadiness } = answer.data;
    this.player?.stop();
    if (!item) { this.finished(steadiness); return; }
    this.rater = rater;
    this.item = item;
    this.value = null;
    this.heard = false;
    this.shownAt = performance.now();
    this.player = new Player();
    this.player.audio.preload = "auto";
    this.player.load(item.sound, 0);
    this.player.addEventListener("progress", () => this.progress());
    this.slider = h("input.slider.untouched", { id: "slider", type: "range", min: 0, max: 100, step: 1, value: 50, "aria-label": t("rateSlider"), "aria-valuetext": t("noValue"), disabled: true });
    for (const name of ["input", "pointerdown", "click"]) this.slider.addEventListener(name, () => this.choose(Number(this.slider.value)));
    this.output = h("output.chosen", { for: "slider" }, "–");
    this.marks = MARKS.map((mark) => h("button.markbutton", { disabled: true, onclick: () => this.choose(mark) }, h("span", {}, mark), h("small", {}, t(/** @type {any} */ (`a${mark}`)))));
    this.next = h("button.primary", { disabled: true, onclick: () => this.send(this.value) }, t("next"));
    this.skip = h("button.plainbutton", { disabled: true, onclick: () => this.send(null) }, t("cannotSay"));
    this.hint = h("p.muted", { role: "status" }, t("rateFirst"));
    this.problem = h("p.problem", { role: "alert" });
    const rest = Date.now() - this.began > ROUND_MS;
    fill(this.body,
      rest && h("p.break", { role: "status" }, icon("warn"), t("breakTime")),
      h("div.progress", {}, h("progress", { max: total, value: done, "aria-label": t("progress", done, total) }), h("span", {}, t("progress", done + 1, total))),
      h("section.card.task", {},
        h("p.question", {}, t("rateIntro")), h("p.sentence", { lang: item.language }, item.text), this.player.element,
        h("div.scale", {}, h("div.marks", {}, this.marks), this.slider, this.output), this.hint, this.problem,
        h("div.row", {}, this.skip, this.next)));
  }

  progress() {
    const player = this.player;
    if (!player || this.heard) return;
    const length = player.duration;
    if (!length || player.covered < Math.min(length * 0.95, HEARD_S)) return;
    this.heard = true;
    say(this.hint, t("rateHint"));
    for (const element of [this.slider, this.skip, ...(this.marks ?? [])]) element.disabled = false;
  }

  /** @param {number} value */
  choose(value) {
    if (!this.heard) return;
    this.value = Math.min(100, Math.max(0, Math.round(value)));
    this.slider.value = String(this.value);
    this.slider.classList.remove("untouched");
    set(this.slider, "aria-valuetext", this.value);
    this.slider.style.setProperty("--part", `${this.value}%`);
    say(this.output, String(this.value));
    const near = 25 * Math.round(this.value / 25);
    say(this.hint, `${near === this.value ? "" : "≈ "}${near}: ${t(/** @type {any} */ (`a${near}`))}`);
    MARKS.forEach((mark, at) => set(this.marks?.[at], "aria-pressed", mark === this.value));
    this.next.disabled = false;
  }

  /** @param {number | null} rating */
  async send(rating) {
    if (!this.heard || this.sending) return;
    this.sending = true;
    const body = { rater: this.rater, number: this.item.number, rating, played_s: this.player?.covered ?? 0, took_s: (performance.now() - (this.shownAt ?? 0)) / 1000 };
    const answer = await send("/api/rating/answer", body);
    this.sending = false;
    if (!answer.ok) { say(this.problem, t("rateFailed", answer.data.reason || t("noServer"))); return; }
    this.take(answer, this.rater ?? "");
    this.player?.button.focus();
  }

  /** @param {string} reason */
  fail(reason) {
    fill(this.body, h("p.problem", { role: "alert" }, t("failed", reason || t("noServer"))));
  }

  /** @param {{pairs: number, mean_difference: number | null}} steadiness */
  finished(steadiness) {
    const { pairs, mean_difference: apart } = steadiness;
    fill(this.body, h("div.empty", { role: "status" }, h("span.halo", {}, icon("check")), h("p", {}, t("done")),
      apart !== null && h("p.muted", {}, t("steady", pairs, apart)), apart !== null && apart > 20 && h("p", {}, t("unsteady"))));
  }

  anchors() {
    return h("section.panel", {}, h("details", {}, h("summary", {}, h("h2", {}, t("anchors"))), h("p", {}, t("anchorsFor")),
      h("div.scroll", { tabindex: 0, role: "region", "aria-label": t("anchors") }, h("table", {}, h("tbody", {}, [...MARKS].reverse().map((mark) =>
        h("tr", {}, h("th", { scope: "row" }, mark), h("td", {}, t(/** @type {any} */ (`a${mark}`))), h("td.muted", {}, t(/** @type {any} */ (`e${mark}`)))))))),
      h("p", {}, t("rateTips")), h("p.onlykeys.muted", {}, t("rateKeys"))));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const onButton = /** @type {HTMLElement} */ (event.target).closest("button, a, summary");
    const onSlider = event.target === this.slider;
    const mark = MARKS[Number(event.key) - 1];
    if (!this.item || !this.player) return;
    if (event.key === " " && !onButton) this.player.toggle();
    else if (mark !== undefined) this.choose(mark);
    else if (event.key === "Enter" && !onButton) { if (!this.next.disabled) this.send(this.value); }
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && !onSlider && this.value !== null && event.target !== this.player.line) {
      this.choose(this.value + (event.key === "ArrowLeft" ? -1 : 1));
    } else return;
    event.preventDefault();
  }
}
