// After the loss of Kafka's log: every service reads the new log from its beginning, and keeps what it knows.
// What was not published yet stays in the positions and is published at the start. Only while no service runs.
const fs = require("fs");
db.getSiblingDB("admin").auth("root", fs.readFileSync("/run/secrets/root", "utf8").trim());
for (const service of ["enrolment", "notifications", "stats"]) {
  const own = db.getSiblingDB(`lernbus_${service}`);
  const begin = { start: 0, next: 0, step: 0, at: -1, letting_go: null, tally: {} };
  const moved = own.positions.updateMany({}, { $set: begin, $unset: { mark: "" } }).modifiedCount;
  // Offsets of the old log, by which the newest record of a person is known.
  for (const people of ["people", "contacts"]) own[people].updateMany({}, { $set: { offset: -1 } });
  print(`${service}: ${moved} positions at the beginning, ${own.held.countDocuments({})} records held`);
}
