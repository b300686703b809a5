import { runPlugin } from "../../core/cni/skeleton.ts";
import { loopback } from "./plugin.ts";

runPlugin(loopback);
