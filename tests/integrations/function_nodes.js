// Runs function nodes of a Node-RED flow one after the other, with one flow context.
//
// Standard input: {"flow": path, "environment": {}, "steps": [{"node": id, "msg": {}, "now": ms,
// "set": {}}]}. Standard output, for each step: {"sent": what it returned, "warnings": [], "flow":
// the context then}.
const { readFileSync } = require("fs");

const given = JSON.parse(readFileSync(0, "utf8"));
const nodes = new Map(JSON.parse(readFileSync(given.flow, "utf8")).map(node => [node.id, node]));
const context = {};
const flow = { get: name => context[name], set: (name, value) => { context[name] = value; } };
const env = { get: name => given.environment[name] };

const told = given.steps.map(step => {
  const warnings = [];
  Object.assign(context, step.set || {});
  Date.now = () => step.now ?? 1_800_000_000_000;
  const run = new Function("msg", "flow", "env", "node", nodes.get(step.node).func);
  const sent = run(step.msg, flow, env, { warn: text => warnings.push(text) });
  return JSON.parse(JSON.stringify({ sent: sent ?? null, warnings, flow: context }));
});
process.stdout.write(JSON.stringify(told));
