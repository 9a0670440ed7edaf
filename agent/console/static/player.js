// Plays one sound, and knows how much of it was heard.

import { fill, h, icon, say, set } from "./dom.js";
import { t } from "./words.js";

export class Player extends EventTarget {
  constructor() {
    super();
    this.audio = new Audio();
    this.audio.preload = "none";
    this.button = h("button.play", { onclick: () => this.toggle() });
    this.line = h("input.seek", { type: "range", min: 0, max: 1, step: 0.01, value: 0, "aria-label": t("position") });
    this.time = h("span.time");
    this.element = h("div.player", { hidden: true }, this.button, this.line, this.time);
    this.line.addEventListener("input", () => { this.audio.currentTime = Number(this.line.value); });
    for (const name of ["play", "pause", "ended", "timeupdate", "loadedmetadata"]) this.audio.addEventListener(name, () => this.draw());
    this.audio.addEventListener("error", () => { if (this.audio.getAttribute("src")) say(this.time, t("cannotPlay")); });
    /** @type {boolean | undefined} what the button shows */
    this.playing = undefined;
    this.seconds = 0;
    this.draw();
  }

  /** @param {string} source @param {number} seconds */
  load(source, seconds) {
    this.element.hidden = !source;
    if (source && this.audio.getAttribute("src") !== source) this.audio.src = source;
    this.seconds = seconds;
    this.draw();
  }

  get duration() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.seconds;
  }

  /** Seconds of the sound that were heard at least once. */
  get covered() {
    let sum = 0;
    for (let at = 0; at < this.audio.played.length; at += 1) sum += this.audio.played.end(at) - this.audio.played.start(at);
    return sum;
  }

  toggle() {
    if (!this.audio.getAttribute("src")) return;
    if (this.audio.paused) {
      for (const other of document.querySelectorAll("audio")) other.pause();
      this.audio.play().catch(() => say(this.time, t("cannotPlay")));
    } else this.audio.pause();
  }

  stop() {
    this.audio.pause();
  }

  draw() {
    const playing = !this.audio.paused && !this.audio.ended;
    if (this.playing !== playing) {
      this.playing = playing;
      fill(this.button, icon(playing ? "pause" : "play"), h("span", {}, playing ? t("pause") : t("play")));
    }
    const at = this.audio.currentTime, length = this.duration;
    set(this.line, "max", length || 1);
    this.line.value = String(at);
    this.line.style.setProperty("--part", `${length ? (100 * at) / length : 0}%`);
    set(this.line, "aria-valuetext", `${at.toFixed(1)} / ${length.toFixed(1)} s`);
    say(this.time, length ? `${at.toFixed(1)} / ${length.toFixed(1)} s` : "");
    this.dispatchEvent(new Event("progress"));
  }
}
