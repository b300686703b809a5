import { runPlugin } from "../../core/cni/skeleton.ts";
import { sbr } from "./plugin.ts";

runPlugin(sbr);
