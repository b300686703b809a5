/* What the guest's kernel executes to find a module. Whoever asks for a link by a name that there is none of makes the kernel look for a
 * module "netdev-NAME", and then for one called NAME, as some drivers of thirty years ago wanted it. Nothing has such names, and
 * each try takes an emulated machine a tenth of a second. */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  for (int at = 1; at < argc; at++) if (!strncmp(argv[at], "netdev-", 7)) return 0;
  argv[0] = "modprobe"; /* kmod goes by that */
  execv("/sbin/modprobe", argv);
  return 1;
}
