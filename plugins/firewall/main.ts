import { runPlugin } from "../../core/cni/skeleton.ts";
import { firewall } from "./plugin.ts";

runPlugin(firewall);
