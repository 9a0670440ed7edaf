// The frame around the pages: header, tabs, connection, language, who is there.

import { AlertsPage } from "./alerts.js";
import { Live, get, send, session } from "./api.js";
import { DescriptionsPage } from "./descriptions.js";
import { fill, h, icon, recall, remember, say, set } from "./dom.js";
import { enter } from "./enter.js";
import { HealthPage } from "./health.js";
import { RatePage } from "./rate.js";
import { TeachPage } from "./teach.js";
import { choose, current, t, why } from "./words.js";

/**
 * @typedef {import("./api.js").Session} Session
 * @typedef {{element: HTMLElement, title: string, start?: () => void, stop?: () => void,
 *   key?: (event: KeyboardEvent) => void, keys?: [string, string][]}} Page
 */

const EVENTS = ["status", "health", "config", "source", "alert", "gone", "count", "reviewed", "result", "taught", "recent", "scores", "link"];
/** @type {[string, "alerts" | "teach" | "rate" | "descriptions" | "health"][]} */
const TABS = [["/", "alerts"], ["/teach", "teach"], ["/rate", "rate"], ["/descriptions", "descriptions"], ["/health", "health"]];
/** @type {Record<string, new (app: App) => Page>} */
const PAGES = { "/": AlertsPage, "/teach": TeachPage, "/rate": RatePage, "/descriptions": DescriptionsPage, "/health": HealthPage };

const root = /** @type {HTMLElement} */ (document.getElementById("root"));

export class App {
  /** @param {Session} found */
  constructor(found) {
    this.session = found;
    /** @type {any} what is known of the box */
    this.known = { status: null, health: null, config: null, sources: {}, alerts: [], count: 0, link: { broker: "", store: "" } };
    /** @type {Live | null} */
    this.live = null;
    /** @type {Page | null} */
    this.page = null;
    this.lost = false;
    this.main = h("main", { id: "content", tabindex: -1 });
    this.banner = h("div.banner", { role: "status" });
    this.said = h("p.hidden", { role: "status", "aria-live": "polite" });
    this.chip = h("span.chip");
    this.badge = h("span.badge");
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("popstate", () => this.show(location.pathname));
  }

  /** Draw the frame, in the language of the moment. */
  draw() {
    const other = current() === "ja" ? "en" : "ja";
    const language = h("button.quiet", { lang: other, onclick: () => { choose(other); this.draw(); } }, t("other"));
    const keys = h("button.quiet.icononly.onlykeys", { "aria-label": t("keys"), title: `${t("keys")} (?)`, onclick: () => this.help() }, icon("keys"));
    const out = this.session.password
      ? h("button.quiet.icononly", { "aria-label": t("signOut"), title: t("signOut"), onclick: async () => { await send("/api/logout", {}); location.assign("/login"); } }, icon("out"))
      : null;
    this.who = h("button.quiet.who", { onclick: () => this.askWho() });
    this.tabs = TABS.filter(([path]) => path !== "/rate" || this.session.rating || location.pathname === "/rate").map(([path, name]) =>
      h("a.tab", { href: path, onclick: (/** @type {MouseEvent} */ event) => this.go(event, path) },
        icon(name === "descriptions" ? "words" : name), h("span", {}, t(name)), name === "alerts" ? this.badge : null));
    fill(root,
      h("a.skip", { href: "#content" }, t("skip")),
      h("header.top", {},
        h("div.brand", {}, h("span.mark", { "aria-hidden": "true" }, "聞き耳"), h("span.place", {}, `${this.session.site} / ${this.session.node}`)),
        this.chip, h("div.spring"), this.who, keys, language, out),
      h("nav.tabs", { "aria-label": "Kikimimi" }, this.tabs),
      this.banner, this.main, this.said);
    this.show(location.pathname, false);
  }

  /** @param {MouseEvent} event @param {string} path */
  go(event, path) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (path !== location.pathname) history.pushState(null, "", path);
    this.show(path);
  }

  /** @param {string} path @param {boolean} [moved] whether a person asked for it */
  show(path, moved = true) {
    const Wanted = PAGES[path] ?? AlertsPage;
    this.page?.stop?.();
    this.page = new Wanted(this);
    fill(this.main, this.page.element);
    document.title = `${this.page.title} · Kikimimi`;
    for (const tab of this.tabs ?? []) set(tab, "aria-current", tab.getAttribute("href") === path ? "page" : null);
    this.follow(Wanted === DescriptionsPage);
    this.page.start?.();
    this.refresh();
    if (moved) {
      this.main.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
  }

  /** @param {boolean} scores */
  follow(scores) {
    this.live?.close();
    const live = new Live(EVENTS, scores);
    this.live = live;
    live.addEventListener("connected", async () => {
      if (this.live !== live) return;
      this.lost = !live.connected;
      if (live.connected) await this.load();
      this.refresh();
    });
    for (const name of EVENTS) {
      live.addEventListener(name, (event) => this.live === live && this.take(name, /** @type {CustomEvent} */ (event).detail));
    }
  }

  /** Everything anew: what happened while there was no connection is not told again. */
  async load() {
    const answer = await get("/api/overview");
    if (!answer.ok) return;
    this.known = answer.data;
    this.tell("overview", answer.data);
  }

  /** @param {string} name @param {any} data */
  take(name, data) {
    const known = this.known;
    if (name === "source") known.sources[data.name] = data;
    else if (name === "count") known.count = data;
    else if (name === "alert") known.alerts = [data, ...known.alerts.filter((/** @type {any} */ one) => one.alert_id !== data.alert_id)];
    else if (name === "gone") known.alerts = known.alerts.filter((/** @type {any} */ one) => !data.includes(one.alert_id));
    else if (name in known) known[name] = data;
    this.tell(name, data);
    this.refresh();
  }

  /** @param {string} name @param {any} data */
  tell(name, data) {
    this.page?.element.dispatchEvent(new CustomEvent(name, { detail: data }));
  }

  /** Read out by screen readers. @param {string} text */
  announce(text) {
    say(this.said, text);
  }

  /** What the frame shows of the connection. */
  refresh() {
    const { link, status, count } = this.known;
    const state = this.lost ? "noServer" : link.broker ? "noBroker" : status === "online" ? "live" : "away";
    say(this.chip, t(/** @type {any} */ (state)));
    set(this.chip, "data-state", state);
    say(this.badge, count ? String(Math.min(count, 999)) : "");
    const name = recall("operator");
    if (this.who) {
      fill(this.who, icon("person"), h("span", {}, name || t("whoNone")));
      set(this.who, "aria-label", name ? t("whoChange", name) : t("whoNone"));
    }
    /** @type {Record<string, [string, string]>} */
    const told = {
      noServer: [t("noServerLong"), ""], noBroker: [t("noBrokerLong"), why(link.broker, link.codes?.broker)], away: [t("awayLong"), ""],
      live: link.store ? [t("noStoreLong"), why(link.store, link.codes?.store)] : ["", ""],
    };
    const [text, cause] = told[state];
    if (this.banner.dataset.text === text + cause + current()) return;
    this.banner.dataset.text = text + cause + current();
    fill(this.banner, text && h("p", {}, icon("warn"), text), cause && h("details", {}, h("summary", {}, t("details")), h("p", {}, cause)));
  }

  /** The name that goes with answers; asks for it where there is none. @returns {Promise<string>} */
  async operator() {
    return recall("operator") || this.askWho();
  }

  /** @returns {Promise<string>} empty if nobody says */
  askWho() {
    const field = h("input", { id: "who", type: "text", maxlength: 64, autocomplete: "nickname", required: true, value: recall("operator") });
    const body = h("form", { method: "dialog" },
      h("h2", {}, t("who")), h("p", {}, t("whoHelp")),
      h("label", { for: "who" }, t("whoLabel")), field,
      h("div.row", {}, h("button.plainbutton", { onclick: () => dialog.close() }, t("cancel")), h("button.primary", { type: "submit" }, t("whoSave"))));
    const dialog = this.dialog(body);
    return new Promise((resolve) => {
      body.addEventListener("submit", () => {
        const name = field.value.trim();
        if (name) remember("operator", name);
        this.tell("operator", name);
      });
      dialog.addEventListener("close", () => { this.refresh(); resolve(recall("operator")); });
    });
  }

  /** The keys of the page. */
  help() {
    const rows = [...(this.page?.keys ?? []), /** @type {[string, string]} */ (["?", t("keyHelp")])];
    const dialog = this.dialog(h("div", {}, h("h2", {}, t("keys")),
      h("dl.keys", {}, rows.flatMap(([key, what]) => [h("dt", {}, key.split(" ").map((one) => h("kbd", {}, one))), h("dd", {}, what)])),
      h("div.row", {}, h("button.primary", { onclick: () => dialog.close() }, t("close")))));
  }

  /** @param {HTMLElement} body @returns {HTMLDialogElement} */
  dialog(body) {
    const title = body.querySelector("h2");
    if (title) title.id = "dialog-title";
    const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, body);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const writing = target.closest("textarea, dialog, input:not([type=range]), select, summary");
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || writing) return;
    if (event.key === "?") this.help();
    else this.page?.key?.(event);
  }
}

async function begin() {
  try {
    const found = await session();
    if (!found.logged_in) enter(root, found);
    else if (location.pathname === "/login" || location.pathname === "/setup") location.replace("/");
    else new App(found).draw();
  } catch {
    fill(root, h("p.plain", {}, t("noServerLong")));
    setTimeout(begin, 2000);
  }
}

begin();
