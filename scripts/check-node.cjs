// Runs before `npm start` on any Node, even an old one, so its syntax is old.
const [, major, minor] = /(\d+)\.(\d+)/.exec(require("../package.json").engines.node).map(Number);
const [ownMajor, ownMinor] = process.versions.node.split(".").map(Number);
if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
  console.error(
    `This needs Node ${major}.${minor} or newer, and this is ${process.versions.node}: install one from https://nodejs.org.`,
  );
  process.exit(1);
}
