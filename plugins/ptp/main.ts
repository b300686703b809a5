import { runPlugin } from "../../core/cni/skeleton.ts";
import { ptp } from "./plugin.ts";

runPlugin(ptp);
