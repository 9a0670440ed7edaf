// How the box is.

import { fill, h, icon, say } from "./dom.js";
import { clock, partName, span, t, why } from "./words.js";

const QUIETEST_DBFS = -90;

export class HealthPage {
  /** @param {import("./app.js").App} app */
  constructor(app) {
    this.app = app;
    this.title = t("health");
    this.state = h("div.state");
    this.sources = h("ul.sources");
    this.facts = h("dl.table");
    this.console = h("dl.table");
    this.counters = h("dl.table");
    /** @type {Map<string, {element: HTMLElement, meter: HTMLElement, level: HTMLElement, told: HTMLElement}>} */
    this.rows = new Map();
    this.element = h("div.page", {}, h("h1.hidden", {}, t("health")), this.state,
      h("section.panel", {}, h("h2", {}, t("sources")), this.sources),
      h("section.panel", {}, h("h2", {}, t("facts")), this.facts),
      h("section.panel", {}, h("h2", {}, t("console")), this.console),
      h("section.panel", {}, h("details", {}, h("summary", {}, h("h2", {}, t("counters"))), this.counters)));
    for (const name of ["overview", "health", "status", "config", "link"]) this.element.addEventListener(name, () => this.draw());
    this.element.addEventListener("source", () => this.levels());
  }

  start() {
    this.draw();
  }

  draw() {
    const { health, status, link } = this.app.known;
    const state = !health ? "unknown" : status === "offline" ? "stopped" : health.state;
    this.state.dataset.state = state;
    fill(this.state, h("span.halo", {}, icon(state === "ok" ? "check" : "warn")), h("div", {},
      h("p.big", { role: "status" }, t(state)),
      Object.entries(health?.reasons ?? {}).map(([part, reason]) => h("p", {}, h("strong", {}, partName(part)), ` ${why(reason, health.reason_codes?.[part])}`))));
    this.levels();
    const short = (/** @type {string} */ hash) => hash.replace("sha256:", "").slice(0, 12);
    const mutes = (health?.mutes ?? []).map((/** @type {any} */ one) => t("until", one.error_id ?? t("muteAll"), clock(Date.parse(one.until) / 1000)));
    table(this.facts, health && [
      [t("version"), health.version], [t("model"), short(health.bundle)], [t("described"), short(health.descriptions)],
      [t("uptime"), span(health.uptime_s)], [t("lag"), t("second", health.lag_s.toFixed(1))],
      [t("dropped"), `${(100 * health.drop_ratio).toFixed(1)} %`], [t("clock"), health.clock_synced ? t("synced") : t("unsynced")],
      [t("outbox"), health.outbox_depth], [t("openAlerts"), health.open_alerts ?? this.app.known.count],
      mutes.length && [t("mutes"), mutes.join(", ")],
    ]);
    table(this.console, [[t("version"), this.app.session.version], [t("broker"), why(link.broker, link.codes?.broker) || t("fine")], [t("database"), why(link.store, link.codes?.store) || t("readable")]]);
    table(this.counters, health && Object.entries(health.counters).map(([name, value]) => [name.replaceAll("_", " "), value]));
  }

  levels() {
    for (const [name, source] of Object.entries(this.app.known.sources).sort()) {
      let row = this.rows.get(name);
      if (!row) {
        const meter = h("div.meter", { "aria-hidden": "true" }, h("span.fill"));
        const level = h("span.level"), told = h("span.told");
        row = { element: h("li.source", {}, h("strong", {}, name), told, meter, level), meter, level, told };
        this.rows.set(name, row);
        this.sources.append(row.element);
      }
      const { state, level } = /** @type {{state: string | null, level: number | null}} */ (source);
      row.element.dataset.state = String(state);
      say(row.told, t(/** @type {any} */ (`s_${state}`)));
      say(row.level, level === null ? t("silence") : t("level", level.toFixed(0)));
      const part = level === null ? 0 : Math.min(1, Math.max(0, 1 - level / QUIETEST_DBFS));
      row.meter.style.setProperty("--score", `${100 * part}%`);
    }
  }
}

/** @param {HTMLElement} list @param {any} rows */
function table(list, rows) {
  fill(list, (rows || []).filter(Boolean).flatMap((/** @type {[string, string | number]} */ [name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
