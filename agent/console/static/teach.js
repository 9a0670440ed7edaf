// What the box should have heard: report a sound that it missed, or make one for it to learn.

import { get, send } from "./api.js";
import { fill, h, icon, requestId, say, set } from "./dom.js";
import { Player } from "./player.js";
import { Timeline } from "./timeline.js";
import { t, why } from "./words.js";

/**
 * @typedef {{request: string, kind: "heard" | "teach", text: string, source: string, state: string, told: string,
 *   alert: string, undo: string, operator: string, others: string, shown: boolean}} Sound
 */

/** Seconds ago: from, to. @type {[any, number, number][]} */
const SPANS = [["lastHalf", 30, 0], ["lastMinute", 60, 0], ["lastTwo", 120, 60], ["lastFour", 240, 120], ["lastSix", 360, 240],
  ["lastEight", 480, 360], ["lastTen", 570, 480]];
const SECONDS = [5, 10, 20, 30];
const SHOWN = 5;

export class TeachPage {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.title = t("teach");
    /** @type {[string, string][]} */
    this.keys = [["T", t("teachTitle")], ["M", t("missedTitle")]];
    /** @type {Sound[]} the last one first */
    this.sounds = [];
    /** @type {Map<string, Player>} */
    this.players = new Map();
    /** @type {{id: string, text: string, enabled: boolean}[]} */
    this.entries = [];
    this.when = h("select", { id: "when" }, SPANS.map(([name], number) => h("option", { value: number }, t(name))));
    this.seconds = h("select", { id: "seconds" }, SECONDS.map((one) => h("option", { value: one, selected: one === 10 }, t("forSeconds", one))));
    this.missed = this.form("missed", t("which"), [h("label", { for: "when" }, t("whenHeard")), this.when], "missedTitle", "missedLong", "report", () => this.report());
    this.taught = this.form("taught", t("whichTeach"), [h("label", { for: "seconds" }, t("listen")), this.seconds], "teachTitle", "teachLong", "listen", () => this.teach());
    this.timeline = new Timeline(() => this.missed.where.value, () => { this.when.value = "mark"; });
    this.when.append(h("option", { value: "mark", hidden: true }, t("markIt")));
    this.missed.element.insertBefore(this.timeline.element, this.missed.element.lastElementChild);
    this.missed.where.addEventListener("change", () => this.timeline.clear());
    this.when.addEventListener("change", () => this.timeline.release());
    this.strip = h("section.panel", { "aria-labelledby": "caught", hidden: true });
    /** @type {HTMLElement} */
    this.element = h("div.page", {}, h("h1.hidden", {}, t("teach")), this.missed.element, this.taught.element, this.strip);
    this.element.addEventListener("recent", (event) => this.timeline.came(/** @type {CustomEvent} */ (event).detail));
    this.element.addEventListener("result", (event) => this.timeline.result(/** @type {CustomEvent} */ (event).detail));
    this.element.addEventListener("result", (event) => this.result(/** @type {CustomEvent} */ (event).detail));
    this.element.addEventListener("taught", (event) => this.learnt(/** @type {CustomEvent} */ (event).detail));
    for (const name of ["overview", "source"]) this.element.addEventListener(name, () => this.list());
  }

  /** @param {string} name @param {string} question @param {HTMLElement[]} extra @param {any} title @param {any} long @param {any} action @param {() => void} act */
  form(name, question, extra, title, long, action, act) {
    const what = h("select", { id: `${name}-what` }), where = h("select", { id: `${name}-where` });
    const button = h("button.primary.big", { disabled: true, onclick: act }, icon(name === "taught" ? "teach" : "alerts"), h("span", {}, t(action)));
    const element = h("section.panel.ask", { "aria-labelledby": `${name}-title` }, h("h2", { id: `${name}-title` }, t(title)), h("p.muted", {}, t(long)),
      h("div.fields", {}, h("label", { for: `${name}-what` }, question), what, h("label", { for: `${name}-where` }, t("where")), where, extra), h("div.row", {}, button));
    return { element, what, where, button };
  }

  async start() {
    this.list();
    const answer = await get("/api/descriptions");
    if (answer.ok) this.entries = answer.data.entries.filter((/** @type {any} */ one) => one.enabled);
    for (const form of [this.missed, this.taught]) {
      fill(form.what, this.entries.length ? this.entries.map((one) => h("option", { value: one.id }, one.text)) : h("option", { value: "" }, t("noDescriptions")));
    }
    this.list();
  }

  stop() {
    clearInterval(this.counting);
    for (const player of this.players.values()) player.stop();
    this.timeline.clear();
  }

  /** The microphones, as far as they are known by now. */
  list() {
    const names = Object.keys(this.app.known.sources).sort();
    for (const form of [this.missed, this.taught]) {
      const known = [...form.where.options].map((/** @type {HTMLOptionElement} */ one) => one.value);
      if (known.join("\n") !== names.join("\n")) fill(form.where, names.map((name) => h("option", { value: name }, name)));
      form.button.disabled = !names.length || !this.entries.length;
    }
  }

  /** @param {"heard" | "teach"} kind @param {any} form @param {object} more */
  async ask(kind, form, more) {
    const operator = await this.app.operator();
    if (!operator || !form.what.value || !form.where.value) return null;
    /** @type {Sound} */
    const sound = { request: requestId(), kind, text: form.what.selectedOptions[0].textContent, source: form.where.value, state: "wait", told: t("soundAsked"), alert: "", undo: "", operator, others: "", shown: false };
    this.sounds = [sound, ...this.sounds].slice(0, SHOWN);
    this.draw();
    const answer = await send(`/api/${kind}`, { request_id: sound.request, error_id: form.what.value, source: sound.source, operator, ...more });
    if (!answer.ok) this.fail(sound, answer.data.reason || t("noServer"));
    return sound;
  }

  async report() {
    const marked = this.when.value === "mark" && this.timeline.marked();
    const [, from, to] = marked ? ["", ...marked] : SPANS[Number(this.when.value)];
    await this.ask("heard", this.missed, { from_s_ago: from, to_s_ago: to });
  }

  async teach() {
    const seconds = Number(this.seconds.value);
    await this.ask("teach", this.taught, { seconds });
  }

  /** @param {Sound} sound @param {number} seconds */
  count(sound, seconds) {
    clearInterval(this.counting);
    const ends = Date.now() + 1000 * seconds;
    const tick = () => {
      const left = Math.ceil((ends - Date.now()) / 1000);
      if (sound.state !== "listen") { clearInterval(this.counting); return; }
      sound.told = left > 0 ? t("recording", left) : t("soundHeard");
      this.tell(sound);
      if (left <= 0) clearInterval(this.counting);
    };
    this.counting = setInterval(tick, 250);
    tick();
  }

  /** What the box made of a command. @param {any} result */
  result(result) {
    const refusal = why(result.reason, result.code && [result]);
    for (const sound of this.sounds) {
      if (result.request_id === sound.request && sound.state === "wait") {
        if (!result.accepted) this.fail(sound, refusal);
        else if (sound.kind === "teach") { sound.state = "listen"; this.count(sound, Number(this.seconds.value)); } else { sound.alert = result.alert_id; sound.told = t("soundKept"); }
      } else if (sound.undo && result.request_id === sound.undo) {
        sound.state = result.accepted ? "gone" : sound.state;
        sound.told = result.accepted ? t("discarded") : t("notDiscarded", refusal);
      } else continue;
      this.draw();
    }
  }

  /** @param {any} message of `taught` */
  learnt(message) {
    const sound = this.sounds.find((one) => one.request === message.request_id);
    if (!sound || sound.state === "gone") return;
    if (message.step === "failed") { this.fail(sound, why(message.reason, message.code && [message])); return; }
    sound.alert = message.alert_id;
    sound.state = message.step === "learnt" ? (message.sure ? "fine" : "unsure") : "kept";
    sound.told = t("soundKept");
    if (message.step === "learnt") {
      const score = message.score === null ? "" : message.score.toFixed(1), limit = message.threshold.toFixed(1);
      const aside = why(message.set_aside, message.code && [message]);
      sound.told = aside ? t("soundAside", aside) : !score ? t("soundShort") : t(message.sure ? "soundSure" : "soundUnsure", score, limit);
      sound.others = message.others.map((/** @type {any} */ one) => `${one.description} (${one.score.toFixed(1)} / ${one.threshold.toFixed(1)})`).join(", ");
      sound.shown = true;
    }
    this.draw();
  }

  /** @param {Sound} sound @param {string} reason */
  fail(sound, reason) {
    sound.state = "bad";
    sound.told = t("soundFailed", reason);
    this.draw();
  }

  /** @param {Sound} sound */
  async discard(sound) {
    sound.undo = requestId();
    sound.told = t("discarding");
    this.draw();
    const answer = await send(`/api/alerts/${sound.alert}/undo`, { request_id: sound.undo, operator: sound.operator });
    if (!answer.ok) { sound.told = t("notDiscarded", answer.data.reason || t("noServer")); this.draw(); }
  }

  /** @param {Sound} sound */
  tell(sound) {
    const line = this.strip.querySelector(`[data-request="${sound.request}"] .state`);
    if (line) say(line, sound.told);
  }

  draw() {
    const held = this.strip.contains(document.activeElement) ? document.activeElement?.getAttribute("data-act") : null;
    this.strip.hidden = !this.sounds.length;
    fill(this.strip, h("h2", { id: "caught" }, t("caught")), h("ul.sounds", {}, this.sounds.map((sound) => this.row(sound))));
    if (held) /** @type {HTMLElement | null} */ (this.strip.querySelector(`[data-act="${held}"]`))?.focus();
    const last = this.sounds[0];
    if (last) this.app.announce(`${last.text}: ${last.told}`);
  }

  /** @param {Sound} sound */
  row(sound) {
    const there = sound.shown && sound.state !== "gone";
    let player = this.players.get(sound.request);
    if (there && !player) {
      player = new Player();
      player.load(`/api/alerts/${sound.alert}/sound`, 0);
      this.players.set(sound.request, player);
    }
    if (!there) player?.stop();
    const stands = ["fine", "unsure", "kept"].includes(sound.state) && sound.alert;
    return h("li.caught", { "data-request": sound.request, "data-state": sound.state, "data-alert": sound.alert },
      h("strong", {}, sound.text), h("span.muted", {}, ` ${sound.source}`), h("p.state", {}, sound.told),
      sound.others && there && h("p.others", {}, t("soundLike", sound.others)),
      there && h("div.sound", {}, h("div.picture", {}, h("img", { src: `/api/alerts/${sound.alert}/picture`, alt: t("caught"), width: 940, height: 398, decoding: "async", onerror: (/** @type {Event} */ event) => fill(/** @type {HTMLElement} */ (event.target).parentElement ?? this.strip, h("p.nopicture", {}, t("noClip"))) })), player?.element ?? null),
      stands && h("div.row", {}, h("button.plainbutton", { "data-act": `discard-${sound.request}`, onclick: () => this.discard(sound) }, icon("cross"), t("discard"))));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const key = event.key.toLowerCase();
    const form = key === "t" ? this.taught : key === "m" ? this.missed : null;
    if (!form || form.button.disabled || event.repeat) return;
    event.preventDefault();
    set(form.button, "data-pressed", true);
    form.button.click();
  }
}
