/** An emulator in a process of its own, so that its memory can be told from its client's. */
import { startEmulator } from "../../src/emulator/emulator.ts";

const emulator = await startEmulator({ answer: () => ({ content: "ok" }) });
const atStartBytes = process.memoryUsage.rss();
process.on("message", () => {
  process.send?.({ grownBytes: process.resourceUsage().maxRSS * 1024 - atStartBytes });
});
process.on("disconnect", () => {
  void emulator.close();
});
process.send?.(emulator.url);
