import { runPlugin } from "../../core/cni/skeleton.ts";
import { vlan } from "./plugin.ts";

runPlugin(vlan);
