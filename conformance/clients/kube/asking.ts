/**
 * Questions to what `answer.c` serves.
 * @module
 */
import { join } from "node:path";
import { root } from "../../../scripts/place.ts";
import type { KubeNode } from "./node.ts";
import { until } from "./waiting.ts";

/** Who is asked, and over what. */
export interface Question {
  address: string;
  port: number;
  /** Default `tcp`. */
  protocol?: "tcp" | "udp";
  /** Default `outside`: a machine beside the node, 192.0.2.2 and 2001:db8::2. */
  from?: "outside" | "node";
}

const echo = join(root, "conformance", "clients", "echo.py");

/** Asks once. @returns the answer, `NAME PEER`, or `undefined` when there is none */
export function ask(node: KubeNode, question: Question): string | undefined {
  const { address, port, protocol = "tcp", from = "outside" } = question;
  const argv = ["python3", echo, "ask", protocol, address, String(port)];
  const netns = from === "outside" ? { netns: node.sandbox.outside() } : {};
  const answer = node.sandbox.run(argv, netns).stdout.trim();
  return answer.includes(" ") ? answer : undefined; // else one word, what kept it from coming
}

/** Asks until there is an answer: a container that runs may not have begun to listen. */
export async function answerOf(node: KubeNode, question: Question): Promise<string> {
  return until(`answer of ${JSON.stringify(question)}`, () => ask(node, question));
}
