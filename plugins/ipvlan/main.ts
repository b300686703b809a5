import { runPlugin } from "../../core/cni/skeleton.ts";
import { ipvlan } from "./plugin.ts";

runPlugin(ipvlan);
