import { runPlugin } from "../../core/cni/skeleton.ts";
import { bridge } from "./plugin.ts";

runPlugin(bridge);
