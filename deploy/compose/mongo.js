// Makes the replica set of one, its administrator and a user per service: safe to repeat, and to be killed half-way.
// Runs at mongod's own address: until there is a first user, mongod lets in who comes from there.
const fs = require("fs");
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, "utf8").trim();
const admin = db.getSiblingDB("admin");

const UNAUTHORIZED = 13, ALREADY_INITIALIZED = 23;
const login = () => {
  try {
    return admin.auth("root", secret("root")).ok === 1;
  } catch (error) {
    return false;
  }
};

const known = login();
try {
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongo:27017" }] });
} catch (error) {
  if (error.code === UNAUTHORIZED) throw new Error("this database knows another password: it was made with other secrets");
  if (error.code !== ALREADY_INITIALIZED) throw error;
}
while (!db.hello().isWritablePrimary) sleep(100);
if (!known) {
  admin.createUser({ user: "root", pwd: secret("root"), roles: ["root"] });
  login();
}
for (const service of ["enrolment", "notifications", "stats"]) {
  const own = db.getSiblingDB(`lernbus_${service}`);
  const user = { pwd: secret(service), roles: [{ role: "readWrite", db: own.getName() }] };
  if (own.getUser(service)) own.updateUser(service, user);
  else own.createUser({ user: service, ...user });
}
print("replica set and users are there");
