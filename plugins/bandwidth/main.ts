import { runPlugin } from "../../core/cni/skeleton.ts";
import { bandwidth } from "./plugin.ts";

runPlugin(bandwidth);
