/* Namespaces for kernel tests, without a trace in the machine's own ones.
 *
 *   enter hold KEEP              becomes a host of its own: new network and mount namespace, empty tmpfs on /run and
 *                                /var/lib (KEEP, the repository, stays visible), a sysfs that shows the new network,
 *                                lo up. Writes "ready" and lives until stdin ends, so nothing outlives the test run.
 *   enter netns MNT PATH         in mount namespace MNT: a new network namespace, bound to PATH.
 *   enter run MNT NET PROG ARG…  runs PROG in both and writes "status signal microseconds KiB PID…" to descriptor 3: exit
 *                                status and signal as wait4(2) has them, wall time of exec to exit, peak memory, and
 *                                what PROG started and left behind, which lives on.
 *
 * MNT and NET are files as /proc/PID/ns/mnt; NET is looked up before MNT is entered. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CANNOT = 125, OPEN_TREE_COPY = 1, AT_WHOLE_TREE = 0x8000, FROM_EMPTY_PATH = 4 };

static void fail(const char *what, const char *which) {
  fprintf(stderr, "enter: %s \"%s\": %s\n", what, which, strerror(errno));
  exit(CANNOT);
}

static int copy_tree(const char *path) {
  return syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_COPY | AT_WHOLE_TREE | O_CLOEXEC);
}

static void put_tree(int tree, const char *path) {
  if (tree < 0) return; /* it was not there */
  if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path, FROM_EMPTY_PATH) < 0) fail("move_mount", path);
}

static void make_directories(const char *path) {
  char part[PATH_MAX];
  snprintf(part, sizeof part, "%s", path);
  for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = 0;
    mkdir(part, 0755);
    *slash = '/';
  }
  mkdir(part, 0755);
}

static void mount_tmpfs(const char *path) {
  if (mount("tmpfs", path, "tmpfs", 0, "mode=0755")) fail("mount tmpfs", path);
}

static void bring_up_loopback(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request)) fail("set up", "lo");
  close(fd);
}

static int hold(const char *keep) {
  char byte;
  if (unshare(CLONE_NEWNET | CLONE_NEWNS)) fail("unshare", "net, mnt");
  if (mount("", "/", "", MS_REC | MS_PRIVATE, 0)) fail("make private", "/");
  int covered = !strncmp(keep, "/run/", 5) || !strncmp(keep, "/var/lib/", 9);
  int repository = covered ? copy_tree(keep) : -1, cgroups = copy_tree("/sys/fs/cgroup");
  mount_tmpfs("/run");
  mount_tmpfs("/var/lib");
  if (covered) make_directories(keep), put_tree(repository, keep);
  make_directories("/run/netns");
  if (mount("sysfs", "/sys", "sysfs", 0, 0)) fail("mount sysfs", "/sys");
  put_tree(cgroups, "/sys/fs/cgroup");
  bring_up_loopback();
  if (write(1, "ready\n", 6) != 6) fail("write", "stdout");
  while (read(0, &byte, 1) > 0) continue;
  return 0;
}

static void enter_namespace(int fd, int type, const char *path) {
  if (fd < 0) fail("open", path);
  if (setns(fd, type)) fail("setns", path);
  close(fd);
}

static int bind_netns(const char *mnt, const char *path) {
  enter_namespace(open(mnt, O_RDONLY | O_CLOEXEC), CLONE_NEWNS, mnt);
  int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (fd < 0) fail("create", path);
  if (unshare(CLONE_NEWNET)) fail("unshare", "net");
  if (mount("/proc/self/ns/net", path, "", MS_BIND, 0)) fail("bind", path);
  return 0;
}

static long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* @returns the ids of this process' children, parted by spaces */
static const char *left_behind(void) {
  static char list[4096];
  char path[64];
  pid_t ended;
  while ((ended = waitpid(-1, 0, WNOHANG)) > 0) continue;
  if (ended < 0) return "";
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, list, sizeof list - 1) < 0) fail("read", path);
  close(fd);
  return list;
}

static int run(const char *mnt, const char *net, char **argv) {
  struct rusage usage;
  int status;
  char directory[PATH_MAX];
  volatile int failure = 0;
  int network = open(net, O_RDONLY | O_CLOEXEC);
  if (!getcwd(directory, sizeof directory)) fail("getcwd", "");
  enter_namespace(network, CLONE_NEWNET, net);
  enter_namespace(open(mnt, O_RDONLY | O_CLOEXEC), CLONE_NEWNS, mnt);
  if (chdir(directory) && chdir("/")) fail("chdir", directory);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  pid_t self = getpid(), ended;
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* who loses its parent becomes a child of this process */
  long start = microseconds();
  pid_t child = vfork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) _exit(CANNOT); /* killed before it was asked for: nothing would end the program */
    execvp(argv[0], argv);
    failure = errno;
    _exit(CANNOT);
  }
  while ((ended = wait4(-1, &status, 0, &usage)) != child) if (ended < 0 && errno != EINTR) fail("wait4", argv[0]);
  long took = microseconds() - start;
  if (failure) errno = failure, fail("execute", argv[0]);
  dprintf(3, "%d %d %ld %ld %s\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
          took, usage.ru_maxrss, left_behind());
  return 0;
}

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test run that is killed takes its processes with it */
  if (argc == 3 && !strcmp(argv[1], "hold")) return hold(argv[2]);
  if (argc == 4 && !strcmp(argv[1], "netns")) return bind_netns(argv[2], argv[3]);
  if (argc > 4 && !strcmp(argv[1], "run")) return run(argv[2], argv[3], argv + 4);
  fputs("usage: enter hold KEEP | netns MNT PATH | run MNT NET PROG ARG...\n", stderr);
  return CANNOT;
}
