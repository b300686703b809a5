import { deepEqual, equal } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describeKernel } from "../kernel/requirements.ts";
import {
  build,
  onHost,
  programOf,
  removeFolders,
  run,
  temporaryFolder,
  thrownOnHost,
} from "./program.ts";

/** A shell that executes the program with one byte in an argument and in an entry of the environment. */
const withByte = ["sh", "-c", `exec env -i A="$(printf '\\377')" "$0" "$(printf 'a\\200b')"`];

describeKernel("names that are not UTF-8", () => {
  after(removeFolders);

  it("appear as lone surrogates in arguments", () => {
    const program = build(
      programOf((host) => [...(host.argv()[1] ?? "")].map((c) => c.charCodeAt(0))),
    );
    equal(
      run(program, { through: withByte, env: { PATH: process.env["PATH"] ?? "" } }).stdout,
      "[97,56448,98]",
    );
  });

  it("appear as lone surrogates in the environment", () => {
    const program = build(programOf((host) => host.environ()[0]?.charCodeAt(2)));
    equal(
      run(program, { through: withByte, env: { PATH: process.env["PATH"] ?? "" } }).stdout,
      "56575",
    );
  });

  it("are the same bytes again in paths, whatever they are", () => {
    const folder = temporaryFolder();
    const names = onHost((host, folder) => {
      const all = Array.from({ length: 128 }, (_, i) => String.fromCharCode(0xdc80 + i)).join("");
      host.close(host.open(`${folder}/${all}`, 0o101, 0o600));
      const found = host.readdir(folder)[0] ?? "";
      return [found === all, host.stat(`${folder}/${found}`).size];
    }, folder);
    const bytes = Buffer.from(Array.from({ length: 128 }, (_, i) => 0x80 + i));
    deepEqual([names, readdirSync(folder, "buffer")], [[true, 0], [bytes]]);
  });

  it("survive when they look like an encoded surrogate", () => {
    const folder = temporaryFolder();
    const name = onHost((host, folder) => {
      host.symlink("\udced\udcb2\udc80", `${folder}/link`);
      return [...host.readlink(`${folder}/link`)].map((c) => c.charCodeAt(0).toString(16));
    }, folder);
    deepEqual(name, ["dced", "dcb2", "dc80"]);
  });

  it("keep characters of every width", () => {
    const folder = temporaryFolder();
    onHost((host, folder) => host.mkdir(`${folder}/aä€😀`, 0o700), folder);
    deepEqual(readdirSync(folder), ["aä€😀"]);
  });

  it("are named as given in the error", () => {
    equal(
      onHost((host) => {
        try {
          return String(host.open("/nowhere/\udc80", 0));
        } catch (error) {
          return (error as HostError).path === "/nowhere/\udc80" && (error as Error).message;
        }
      }),
      'open "/nowhere/\udc80": ENOENT: no such file or directory',
    );
  });

  it("are refused with EILSEQ when no bytes stand for them", () => {
    equal(thrownOnHost((host) => host.open("/\ud800", 0))?.code, "EILSEQ");
  });
});
