export { Browser } from "../../emulator/test-kit/browser.ts";
