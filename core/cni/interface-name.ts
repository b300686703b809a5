/**
 * Which interface names can be used: the kernel's rule, and three names that would do harm.
 * @see dev_valid_name() in net/core/dev.c, SPEC.md "CNI_IFNAME"
 * @module
 */

/** IFNAMSIZ less the terminating zero. */
const LONGEST_NAME_BYTES = 15;
const encoder = new TextEncoder();

/**
 * What is wrong with an interface name, with the reason behind a semicolon where it is not plain; undefined when
 * nothing is. `%` would make the kernel number the link by itself, `all` and `default` are directories of
 * /proc/sys/net/ipv4/conf.
 */
export function interfaceNameProblem(name: string): string | undefined {
  if (name === "") return "interface name is empty";
  if (encoder.encode(name).length > LONGEST_NAME_BYTES) {
    return "interface name is too long; interface name should be less than 16 characters";
  }
  if (name === "." || name === "..") return "interface name is . or ..";
  if (/[/:\s\p{Cc}]/u.test(name)) {
    return "interface name contains / or : or whitespace characters";
  }
  if (name.includes("%")) return "interface name contains %; the kernel would put a number there";
  if (name === "all" || name === "default") {
    return `interface name is ${name}; its sysctls would be those of every interface`;
  }
  return undefined;
}
