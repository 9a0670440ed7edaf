// Alerts that await an answer: listen, and say yes, no or not sure.

import { get, send } from "./api.js";
import { ANSWERS, Card } from "./card.js";
import { fill, h, icon, requestId, say } from "./dom.js";
import { t, why } from "./words.js";

/**
 * @typedef {import("./api.js").Alert} Alert
 * @typedef {import("./card.js").Verdict} Verdict
 * @typedef {import("./others.js").Instead} Instead
 * @typedef {{alert: Alert, verdict: Verdict, instead: Instead | null, request: string, state: string, reason: string,
 *   undo: string, relevance: number | null, at: number, operator: string}} Given
 */

const SHOWN = 5;
// Asking again does no harm: the box knows a request by its number.
const LATE_MS = 8000;

export class AlertsPage {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.title = t("alerts");
    /** @type {[string, string][]} */
    this.keys = [["J ↓", t("keyNext")], ["K ↑", t("keyPrevious")], ["Space", t("keyPlay")], ["C", t("confirmLong")],
      ["R", t("rejectLong")], ["U", t("unsureLong")], ["1 – 5", t("keyOther")], ["Z", t("undo")]];
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    /** @type {Card | null} */
    this.current = null;
    /** @type {Given[]} the last one first */
    this.given = [];
    this.shownLate = 0;
    /** @type {Promise<Instead[]> | undefined} */
    this.descriptions = undefined;
    this.list = h("ol.cards");
    this.count = h("span.count");
    this.empty = h("div.empty", {}, h("span.halo", {}, icon("check")), h("p", {}, t("none")), h("p.muted", {}, t("noneLong")));
    this.more = h("p.muted.center");
    this.strip = h("section.answered", { "aria-labelledby": "answered", hidden: true });
    /** @type {HTMLElement} */
    this.element = h("div.page", {}, h("div.title", {}, h("h1", {}, t("open")), this.count), this.list, this.empty, this.more, this.strip);
    this.on("overview", (data) => this.all(data.alerts));
    this.on("alert", (alert) => this.take(alert));
    this.on("gone", (ids) => ids.forEach((/** @type {string} */ id) => this.remove(id)));
    this.on("count", () => {});
    this.on("config", () => { this.descriptions = undefined; });
    this.on("result", (result) => this.result(result));
    this.on("reviewed", (message) => this.reviewed(message));
  }

  /** @param {string} name @param {(data: any) => void} act */
  on(name, act) {
    this.element.addEventListener(name, (event) => { act(/** @type {CustomEvent} */ (event).detail); this.sum(); });
  }

  start() {
    this.all(this.app.known.alerts);
    this.sum();
    this.ticking = setInterval(() => { this.tick(); }, 1000);
  }

  tick() {
    for (const card of this.cards.values()) card.tick();
    const late = this.given.filter((one) => this.late(one)).length;
    if (late !== this.shownLate) this.draw();
    this.shownLate = late;
  }

  /** Sent, and not a word of the box. @param {Given} given */
  late(given) {
    return given.state === "sent" && Date.now() - given.at > LATE_MS;
  }

  stop() {
    clearInterval(this.ticking);
    for (const card of this.cards.values()) card.player.stop();
  }

  /** @param {Alert[]} alerts */
  all(alerts) {
    const ids = new Set(alerts.map((one) => one.alert_id));
    for (const id of this.cards.keys()) if (!ids.has(id)) this.remove(id);
    for (const alert of [...alerts].reverse()) this.take(alert, true);
    if (!this.current) this.select(this.first());
  }

  /** @param {Alert} alert @param {boolean} [quiet] */
  take(alert, quiet = false) {
    const answered = this.given.find((one) => one.alert.alert_id === alert.alert_id);
    if (answered && ["sending", "sent", "stored", "storedBefore", "undoing"].includes(answered.state)) return;
    let card = this.cards.get(alert.alert_id);
    if (card) { card.update(alert); return; }
    card = new Card(this, alert);
    this.cards.set(alert.alert_id, card);
    const later = [...this.cards.values()].filter((one) => one.alert.alert_id < alert.alert_id)
      .sort((one, other) => (one.alert.alert_id < other.alert.alert_id ? 1 : -1))[0];
    this.list.insertBefore(card.element, later?.element ?? null);
    if (!quiet) {
      this.app.announce(t("newAlert", alert.description));
      if (!this.current) this.select(card);
    }
  }

  /** @param {string} id */
  remove(id) {
    const card = this.cards.get(id);
    if (!card) return;
    const held = card.element.contains(document.activeElement);
    const next = this.beside(card, 1) ?? this.beside(card, -1);
    card.player.stop();
    card.element.remove();
    this.cards.delete(id);
    if (this.current === card) {
      this.current = null;
      this.select(next, held);
    }
  }

  sum() {
    const listed = this.cards.size, count = Math.max(this.app.known.count, listed);
    say(this.count, listed ? t("openCount", count) : "");
    this.empty.hidden = listed > 0;
    say(this.more, count > listed && listed ? t("more", count - listed) : "");
  }

  first() {
    const id = this.list.firstElementChild?.getAttribute("data-id");
    return id ? this.cards.get(id) ?? null : null;
  }

  /** @param {Card} card @param {1 | -1} step @returns {Card | null} */
  beside(card, step) {
    const element = step > 0 ? card.element.nextElementSibling : card.element.previousElementSibling;
    return this.cards.get(element?.getAttribute("data-id") ?? "") ?? null;
  }

  /** @param {Card | null} card @param {boolean} [focus] */
  select(card, focus = false) {
    if (this.current !== card) this.current?.open(false);
    this.current = card;
    card?.open(true);
    if (card && focus) {
      card.head.focus({ preventScroll: true });
      card.element.scrollIntoView({ block: "nearest" });
    }
  }

  /** Every description, for what a sound was instead; read again once others are in force. @returns {Promise<Instead[]>} */
  described() {
    this.descriptions ??= get("/api/descriptions").then(({ data }) => (data.entries ?? [])
      .filter((/** @type {any} */ one) => one.enabled).map((/** @type {any} */ one) => ({ error_id: one.id, description: one.text })));
    return this.descriptions;
  }

  /** @param {Card} card @param {Verdict} verdict @param {Instead | null} [instead] */
  async answer(card, verdict, instead = null) {
    const operator = await this.app.operator();
    if (!operator) return;
    /** @type {Given} */
    const given = { alert: card.alert, verdict, instead, request: requestId(), state: "sending", reason: "", undo: "", relevance: card.relevance, at: Date.now(), operator };
    this.given = [given, ...this.given.filter((one) => one.alert.alert_id !== card.alert.alert_id)].slice(0, SHOWN);
    this.remove(card.alert.alert_id);
    this.sum();
    await this.post(given);
  }

  /** @param {Given} given */
  async post(given) {
    given.state = "sending";
    this.draw();
    const answer = await send(`/api/alerts/${given.alert.alert_id}/verdict`, { request_id: given.request, verdict: given.verdict, error_id: given.instead?.error_id ?? null, relevance: given.relevance, operator: given.operator });
    if (answer.ok) { if (given.state === "sending") given.state = "sent"; } else this.failed(given, answer.status === 422 ? "refused" : "notSent", answer.data.reason);
    this.draw();
  }

  /** @param {Given} given @param {string} state @param {string} reason */
  failed(given, state, reason) {
    given.state = state;
    given.reason = reason || t("noServer");
    this.take(given.alert, true); // it still awaits an answer
    if (!this.current) this.select(this.first());
    this.sum();
  }

  /** @param {Given} given */
  async undo(given) {
    if (given.state !== "stored" && given.state !== "storedBefore") return;
    given.undo = requestId();
    given.state = "undoing";
    this.draw();
    const answer = await send(`/api/alerts/${given.alert.alert_id}/undo`, { request_id: given.undo, operator: given.operator });
    if (!answer.ok) { given.state = "undoRefused"; given.reason = answer.data.reason || t("noServer"); }
    this.draw();
  }

  /** What the box made of a command. @param {any} result */
  result(result) {
    const refusal = why(result.reason, result.code && [result]);
    for (const given of this.given) {
      if (result.request_id === given.request && given.state !== "undoing" && given.state !== "undone") {
        if (result.accepted) given.state = result.duplicate ? "storedBefore" : "stored";
        else this.failed(given, "refused", refusal);
      } else if (given.undo && result.request_id === given.undo) {
        given.state = result.accepted ? "undone" : "undoRefused";
        given.reason = refusal;
      } else continue;
      this.draw();
    }
  }

  /** Somebody has answered, perhaps elsewhere. @param {any} message */
  reviewed(message) {
    if (!message.verdict || !this.cards.has(message.alert_id)) return;
    this.app.announce(t("elsewhere", message.operator ?? t("somebody"), t(/** @type {Verdict} */ (message.verdict))));
    this.remove(message.alert_id);
  }

  draw() {
    const held = this.strip.contains(document.activeElement);
    this.strip.hidden = !this.given.length;
    fill(this.strip, this.given.length > 0 && h("h2", { id: "answered" }, t("answered")),
      this.given.length > 0 && h("ul", {}, this.given.map((given) => this.row(given))));
    if (held) this.strip.querySelector("button")?.focus();
    const last = this.given[0];
    if (last) this.app.announce(`${last.alert.description}: ${this.told(last)}`);
  }

  /** @param {Given} given */
  told(given) {
    return t(/** @type {any} */ (given.state), given.reason);
  }

  /** @param {Given} given */
  row(given) {
    const fine = given.state === "stored" || given.state === "storedBefore";
    const bad = ["refused", "notSent", "undoRefused"].includes(given.state);
    const late = Date.now() - given.at > this.app.session.undo_s * 1000;
    return h("li.given", { "data-state": fine ? "fine" : bad ? "bad" : "wait", "data-id": given.alert.alert_id },
      h(`span.mini.${given.verdict}`, {}, icon(ANSWERS.find(([one]) => one === given.verdict)?.[1] ?? "check"), h("span", {}, t(given.verdict))),
      h("span.what", {}, given.alert.description, given.instead && h("span.instead", {}, t("itWas", given.instead.description)), h("span.state", {}, this.told(given))),
      fine && !late && h("button.plainbutton", { onclick: () => this.undo(given) }, icon("undo"), t("undo")),
      (given.state === "notSent" || this.late(given)) && h("button.plainbutton", { onclick: () => { this.remove(given.alert.alert_id); given.at = Date.now(); this.post(given); } }, t("again")));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const card = this.current;
    const onButton = /** @type {HTMLElement} */ (event.target).closest("button, a, input, select");
    const key = event.key.toLowerCase();
    const answer = ANSWERS.find(([, , letter]) => letter.toLowerCase() === key);
    if (key === "z") { if (this.given[0]) this.undo(this.given[0]); }
    else if (!card) return;
    else if (answer) { if (!event.repeat) this.answer(card, answer[0]); }
    else if (/^[1-5]$/.test(key) && onButton?.tagName !== "INPUT") { if (!event.repeat) card.others?.press(Number(key)); }
    else if (key === "j" || (key === "arrowdown" && onButton?.tagName !== "INPUT")) this.select(this.beside(card, 1) ?? card, true);
    else if (key === "k" || (key === "arrowup" && onButton?.tagName !== "INPUT")) this.select(this.beside(card, -1) ?? card, true);
    else if (key === " " && (!onButton || onButton === card.head)) card.player.toggle();
    else return;
    event.preventDefault();
  }
}
