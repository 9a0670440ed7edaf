// Logging in, and setting the first password.

import { send } from "./api.js";
import { fill, h, say } from "./dom.js";
import { choose, current, t } from "./words.js";

/** @param {HTMLElement} root @param {import("./api.js").Session} session */
export function enter(root, session) {
  const setup = session.setup;
  const other = current() === "ja" ? "en" : "ja";
  const token = h("input", { id: "token", type: "text", autocomplete: "off", required: true, spellcheck: "false", value: location.hash.slice(1) });
  const password = h("input", { id: "password", type: "password", autocomplete: setup ? "new-password" : "current-password", required: true });
  const twice = h("input", { id: "twice", type: "password", autocomplete: "new-password", required: true });
  const problem = h("p.problem", { role: "alert" });
  const button = h("button.primary.wide", { type: "submit" }, setup ? t("setupGo") : t("login"));
  const form = h("form", { novalidate: true },
    setup && [h("label", { for: "token" }, t("token")), token],
    h("label", { for: "password" }, t("password")), password,
    setup && [h("label", { for: "twice" }, t("twice")), twice],
    problem, button);
  form.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (setup && password.value.length < session.shortest) { say(problem, t("short", session.shortest)); password.focus(); return; }
    if (setup && password.value !== twice.value) { say(problem, t("notSame")); twice.focus(); return; }
    button.disabled = true;
    const answer = await send(setup ? "/api/setup" : "/api/login", setup ? { token: token.value.trim(), password: password.value } : { password: password.value });
    button.disabled = false;
    if (answer.ok) { location.assign("/"); return; }
    const { reason, wait_s: wait } = answer.data;
    say(problem, reason === "wait" ? t("wait", wait) : reason === "password" ? t("wrong") : reason === "token" ? t("wrongToken")
      : reason === "length" ? t("short", session.shortest) : t("failed", reason || t("noServer")));
    password.select();
  });
  document.title = `${setup ? t("setup") : t("login")} · Kikimimi`;
  fill(root, h("main.enter", {},
    h("button.quiet", { lang: other, onclick: () => { choose(other); enter(root, session); } }, t("other")),
    h("p.mark", { "aria-hidden": "true" }, "聞き耳"), h("h1", {}, setup ? t("setup") : t("login")), setup && h("p.muted", {}, t("setupLong")), form));
  (setup && !token.value ? token : password).focus();
}
