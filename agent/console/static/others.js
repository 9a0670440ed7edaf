// What a sound was instead: a candidate of its alert, or any other description.

import { fill, h } from "./dom.js";
import { t } from "./words.js";

/**
 * @typedef {import("./api.js").Alert} Alert
 * @typedef {{error_id: string, description: string}} Instead
 */

/** So many candidates have a button of their own; all are in the list. */
export const BUTTONS = 5;

export class Others {
  /** @param {Alert} alert @param {Promise<Instead[]>} described @param {(instead: Instead) => void} answer */
  constructor(alert, described, answer) {
    this.alert = alert;
    this.answer = answer;
    /** @type {Instead[]} */
    this.all = [];
    this.asked = h("p.question", {}, t("orThis"));
    this.buttons = h("ol.candidates");
    const id = `other-${alert.alert_id}`;
    this.select = h("select", { id, onchange: () => { this.say.disabled = !this.select.value; } });
    this.say = h("button.plainbutton", { disabled: true, onclick: () => this.chosen() }, t("itWasThis"));
    this.choice = h("div.choice", { hidden: true }, h("label", { for: id }, t("another")), this.select, this.say);
    this.element = h("div.others", {}, this.asked, this.buttons, this.choice);
    this.update(alert);
    described.then((all) => { this.all = all; this.list(); });
  }

  /** @param {Alert} alert */
  update(alert) {
    const key = JSON.stringify(alert.candidates);
    if (this.shown === key) return;
    this.shown = key;
    this.alert = alert;
    this.asked.hidden = !alert.candidates.length;
    fill(this.buttons, alert.candidates.slice(0, BUTTONS).map((one, at) => h("li", {},
      h("button.plainbutton.candidate", { "aria-keyshortcuts": at + 1, onclick: () => this.answer(one) },
        h("span", {}, one.description),
        h("small", {}, t("scoreShort", one.score.toFixed(1), one.threshold.toFixed(1))),
        h("kbd.onlykeys", { "aria-hidden": "true" }, at + 1)))));
    this.list();
  }

  /** Candidates first, then what else the box listens for. */
  list() {
    const { candidates, error_id: own } = this.alert;
    const listed = new Set([own, ...candidates.map((one) => one.error_id)]);
    const rest = this.all.filter((one) => !listed.has(one.error_id));
    const kept = this.select.value;
    const options = (/** @type {Instead[]} */ some) => some.map((one) => h("option", { value: one.error_id }, one.description));
    fill(this.select, h("option", { value: "" }, t("choose")), options(candidates.slice(BUTTONS)), options(rest));
    this.select.value = kept;
    if (this.select.selectedIndex < 0) this.select.value = "";
    this.say.disabled = !this.select.value;
    this.choice.hidden = this.select.options.length < 2;
  }

  chosen() {
    const [option] = this.select.selectedOptions;
    if (option?.value) this.answer({ error_id: option.value, description: option.textContent });
  }

  /** @param {number} number counted from 1 */
  press(number) {
    const one = this.alert.candidates[number - 1];
    if (one && number <= BUTTONS) this.answer(one);
  }
}
