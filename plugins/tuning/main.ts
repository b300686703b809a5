import { runPlugin } from "../../core/cni/skeleton.ts";
import { tuning } from "./plugin.ts";

runPlugin(tuning);
