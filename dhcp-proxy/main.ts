import { runDaemon } from "./daemon.ts";

(globalThis as { main?: () => number }).main = runDaemon;
