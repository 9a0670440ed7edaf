// Talks to the console's server.

import { why } from "./words.js";

/**
 * @typedef {{csrf: string, logged_in: boolean, setup: boolean, password: boolean, shortest: number,
 *   version: string, rating: boolean, scores: boolean, undo_s: number, site?: string,
 *   node?: string}} Session
 * @typedef {{sound: boolean, picture: boolean, duration_s: number, peak_s: number,
 *   speech: string}} Clip
 * @typedef {{alert_id: string, step: string, starts_at: number, ends_at: number, source: string,
 *   error_id: string, description: string, score: number, threshold: number, severity: string,
 *   clip: Clip | null, candidates: Candidate[]}} Alert
 * @typedef {{error_id: string, description: string, score: number, threshold: number}} Candidate
 * @typedef {{ok: boolean, status: number, data: any}} Answer
 */

let csrf = "";

/** @returns {Promise<Session>} */
export async function session() {
  const answer = await get("/api/session");
  if (!answer.ok) throw new Error(answer.data.reason ?? String(answer.status));
  csrf = answer.data.csrf;
  return answer.data;
}

/** @param {string} path @returns {Promise<Answer>} */
export function get(path) {
  return ask(path, { headers: { accept: "application/json" } });
}

/** @param {string} path @param {object} body @param {"POST" | "PUT"} [method] */
export function send(path, body, method = "POST") {
  const headers = { "content-type": "application/json", "x-csrf-token": csrf };
  return ask(path, { method, headers, body: JSON.stringify(body) });
}

/** @param {string} path @param {RequestInit} init @returns {Promise<Answer>} */
async function ask(path, init) {
  try {
    const response = await fetch(path, { ...init, credentials: "same-origin" });
    const data = await response.json().catch(() => ({}));
    if (response.status === 401) location.assign("/login");
    if (data.csrf) csrf = data.csrf;
    if (data.code) data.reason = why(data.reason, [data]);
    return { ok: response.ok, status: response.status, data };
  } catch {
    return { ok: false, status: 0, data: { reason: "" } };
  }
}

/** Events of the server, for as long as a page is shown. */
export class Live extends EventTarget {
  /** @param {string[]} names of the events that are wanted @param {boolean} scores */
  constructor(names, scores) {
    super();
    this.connected = false;
    const source = new EventSource(`/api/events${scores ? "?scores=1" : ""}`);
    this.source = source;
    source.onopen = () => this.tell("connected", true);
    source.onerror = () => this.tell("connected", false);
    for (const name of names) {
      source.addEventListener(name, (event) => this.tell(name, JSON.parse(event.data)));
    }
  }

  /** @param {string} name @param {any} detail */
  tell(name, detail) {
    if (name === "connected") this.connected = detail;
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  close() {
    this.source.close();
  }
}
