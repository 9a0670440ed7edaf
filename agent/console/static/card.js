// One alert: its words, its sound and the three answers.

import { fill, h, icon, say, set } from "./dom.js";
import { Others } from "./others.js";
import { Player } from "./player.js";
import { clock, current, severityName, span, t } from "./words.js";

/**
 * @typedef {import("./api.js").Alert} Alert
 * @typedef {import("./alerts.js").AlertsPage} AlertsPage
 * @typedef {"confirm" | "reject" | "unsure"} Verdict
 */

/** @type {[Verdict, string, string][]} */
export const ANSWERS = [["confirm", "check", "C"], ["reject", "cross", "R"], ["unsure", "unsure", "U"]];
const CLIP_FOLLOWS_S = 40;

export class Card {
  /** @param {AlertsPage} page @param {Alert} alert */
  constructor(page, alert) {
    this.page = page;
    this.alert = alert;
    /** @type {number | null} */
    this.relevance = null;
    /** @type {Others | null} what it was instead, once the card was opened */
    this.others = null;
    const id = `alert-${alert.alert_id}`;
    this.when = h("span.when");
    this.score = h("span.score");
    this.severity = h("span.severity", { "data-severity": alert.severity }, severityName(alert.severity));
    this.head = h("button.head", { "aria-expanded": "false", "aria-controls": id, onclick: () => page.select(page.current === this ? null : this) },
      h("span.headline", {}, alert.description), h("span.facts", {}, this.severity, h("span", {}, alert.source), this.when), icon("more"));
    this.player = new Player();
    this.picture = h("div.picture");
    this.meter = h("div.meter", {}, h("span.fill"), h("span.tick"));
    this.fit = this.scale(alert.alert_id);
    this.body = h("div.body", { id, role: "group", "aria-label": alert.description, hidden: true });
    this.element = h("li.card", { "data-id": alert.alert_id, "data-severity": alert.severity }, h("h2", {}, this.head), this.body);
    this.update(alert);
  }

  /** @param {boolean} open */
  open(open) {
    set(this.head, "aria-expanded", open);
    set(this.element, "aria-current", open ? "true" : null);
    this.body.hidden = !open;
    if (open && !this.body.childElementCount) {
      this.others = new Others(this.alert, this.page.described(), (instead) => this.page.answer(this, "reject", instead));
      fill(this.body, h("div.sound", {}, this.picture, this.player.element), h("div.reply", {},
        h("p.question", {}, t("wasIt")),
        h("div.answers", {}, ANSWERS.map(([verdict, sign, letter]) =>
          h(`button.answer.${verdict}`, { "aria-keyshortcuts": letter, title: t(/** @type {any} */ (`${verdict}Long`)), onclick: () => this.page.answer(this, verdict) },
            icon(sign), h("span", {}, t(verdict)), h("kbd.onlykeys", { "aria-hidden": "true" }, letter)))),
        this.others.element,
        h("div.scoreline", {}, this.meter, this.score), this.fit));
      this.media();
    }
    if (!open) this.player.stop();
  }

  /** @param {Alert} alert */
  update(alert) {
    const before = this.alert;
    this.alert = alert;
    say(this.score, t("score", alert.score.toFixed(1), alert.threshold.toFixed(1)));
    const most = Math.max(alert.score, alert.threshold) * 1.15 || 1;
    this.meter.style.setProperty("--score", `${(100 * Math.max(0, alert.score)) / most}%`);
    this.meter.style.setProperty("--threshold", `${(100 * alert.threshold) / most}%`);
    this.tick();
    this.others?.update(alert);
    say(this.severity, severityName(alert.severity)); // a candidate may be worse
    for (const element of [this.severity, this.element]) set(element, "data-severity", alert.severity);
    if (this.body.childElementCount && JSON.stringify(before.clip) !== JSON.stringify(alert.clip)) this.media();
  }

  tick() {
    const { starts_at: starts, ends_at: ends, step } = this.alert;
    const ago = t("ago", span(Date.now() / 1000 - starts));
    say(this.when, `${clock(starts)} · ${step === "end" ? `${ago} · ${t("lasted", span(ends - starts))}` : `${ago} · ${t("now")}`}`);
    if (!this.alert.clip && this.body.childElementCount) this.media();
  }

  media() {
    const { clip, alert_id: id, starts_at: starts, ends_at: ends } = this.alert;
    const base = `/api/alerts/${id}`;
    const key = JSON.stringify(clip) + current();
    const follows = !clip && Date.now() / 1000 - ends < CLIP_FOLLOWS_S;
    if (this.shown === key + follows) return;
    this.shown = key + follows;
    const why = clip ? (clip.speech === "dropped" ? t("speechDropped") : t("noClip")) : follows ? t("waitClip") : t("noClip");
    fill(this.picture, clip?.picture ? h("img", { src: `${base}/picture`, alt: t("spectrogram", clock(starts)), width: 940, height: 398, decoding: "async" }) : h("p.nopicture", {}, why));
    this.player.load(clip?.sound ? `${base}/sound` : "", clip?.duration_s ?? 0);
  }

  /** @param {string} id */
  scale(id) {
    const values = [0, 25, 50, 75, 100];
    return h("fieldset.fit", {}, h("legend", {}, t("fits")), h("div.marks", {}, values.map((value) => {
      const input = h("input", { type: "radio", name: `fit-${id}`, value, onchange: () => { this.relevance = value; } });
      return h("label.markbutton", {}, input, h("span", {}, value), value === 0 ? h("small", {}, t("fits0")) : value === 100 ? h("small", {}, t("fits100")) : null);
    })));
  }
}
