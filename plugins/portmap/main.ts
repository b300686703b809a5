import { runPlugin } from "../../core/cni/skeleton.ts";
import { portmap } from "./plugin.ts";

runPlugin(portmap);
