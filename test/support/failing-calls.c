/*
 * Preloaded into a process, makes calls of the C library on some files end with EIO, as a broken disk does. The file that
 * FAILING_CALLS names says which, a line each: `write`, `sync`, `read`, `open`, `lock` or `rename`, a space, and a part of the
 * paths. It may come and go while the process runs. What is covered is what LevelDB calls; see failing-calls.ts.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

/* Reads the file anew each time, by system calls that are not covered themselves. */
static int is_failing(const char *call, const char *path) {
  char text[1024];
  const char *file = getenv("FAILING_CALLS");
  if (file == NULL || path == NULL) return 0;
  long fd = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  long size = syscall(SYS_read, fd, text, sizeof text - 1);
  syscall(SYS_close, fd);
  text[size < 0 ? 0 : size] = 0;
  char *rest;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char *part = strchr(line, ' ');
    if (part == NULL) continue;
    *part++ = 0;
    if (strcmp(line, call) == 0 && strstr(path, part) != NULL) return 1;
  }
  return 0;
}

static int is_failing_at(const char *call, int fd) {
  char link[64], path[4096];
  int saved = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (size < 0) return 0;
  path[size] = 0;
  return is_failing(call, path);
}

static int fails(void) {
  errno = EIO;
  return -1;
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return is_failing("open", path) ? fails() : NEXT(open64)(path, flags, mode);
}

FILE *fopen64(const char *path, const char *mode) {
  if (!is_failing("open", path)) return NEXT(fopen64)(path, mode);
  fails();
  return NULL;
}

size_t (fwrite_unlocked)(const void *from, size_t size, size_t count, FILE *file) {
  if (!is_failing_at("write", fileno(file))) return NEXT(fwrite_unlocked)(from, size, count, file);
  fails();
  return 0;
}

int fflush_unlocked(FILE *file) {
  if (file != NULL && is_failing_at("write", fileno(file))) return fails();
  return NEXT(fflush_unlocked)(file);
}

int fdatasync(int fd) { return is_failing_at("sync", fd) ? fails() : NEXT(fdatasync)(fd); }

int fsync(int fd) { return is_failing_at("sync", fd) ? fails() : NEXT(fsync)(fd); }

size_t (fread_unlocked)(void *to, size_t size, size_t count, FILE *file) {
  if (!is_failing_at("read", fileno(file))) return NEXT(fread_unlocked)(to, size, count, file);
  fails();
  return 0;
}

ssize_t pread64(int fd, void *to, size_t count, off64_t at) {
  return is_failing_at("read", fd) ? fails() : NEXT(pread64)(fd, to, count, at);
}

/* Where LevelDB maps a file it reads no more by calls: what cannot be read cannot be mapped. */
void *mmap64(void *at, size_t size, int access, int flags, int fd, off64_t from) {
  if (fd < 0 || !is_failing_at("read", fd)) return NEXT(mmap64)(at, size, access, flags, fd, from);
  fails();
  return MAP_FAILED;
}

int fcntl64(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void *value = va_arg(rest, void *);
  va_end(rest);
  int is_lock = command == F_SETLK || command == F_SETLK64;
  return is_lock && is_failing_at("lock", fd) ? fails() : NEXT(fcntl64)(fd, command, value);
}

int rename(const char *from, const char *to) {
  return is_failing("rename", from) ? fails() : NEXT(rename)(from, to);
}
