import { runPlugin } from "../../core/cni/skeleton.ts";
import { macvlan } from "./plugin.ts";

runPlugin(macvlan);
