/* Records what a process does to the files of one folder, in order, with the data.
 *
 * Preloaded (LD_PRELOAD). DISK_RECORDER_FOLDER: the folder; DISK_RECORDER_TRACE: where the record
 * goes. What is written to the file TRACE.marks is recorded as a mark. With DISK_RECORDER_BAD_PAGE a
 * page of 4096 bytes at this offset of each *.log file in the folder can't be read. With
 * DISK_RECORDER_DEEP the folders in it are recorded as well. With DISK_RECORDER_KILL_AFTER the
 * process is killed after so many events.
 * Each event is a header of 32 bytes, a name and data; power_cut.py reads them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { OPEN = 1, CREATE, CLOSE, WRITE, TRUNCATE, ALLOCATE, SYNC, SYNC_FOLDER, RENAME, UNLINK, MARK,
       FOLDER };
enum { OTHER = 0, FILE_OF_FOLDER, THE_FOLDER, THE_MARKS };
enum { PAGE_BYTES = 4096 };
enum { MOST_FILES = 4096 };

struct event {
    uint32_t operation;
    int32_t descriptor;
    int64_t offset;
    uint32_t name_bytes;
    uint32_t data_bytes;
    uint64_t spare;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char folder[4096], marks[4200];
static int trace = -1;
static int64_t bad_page = -1;
static int deep, kill_after;
static unsigned char what[MOST_FILES], is_log[MOST_FILES];
static char *folder_name[MOST_FILES];

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("DISK_RECORDER_TRACE"), *wanted = getenv("DISK_RECORDER_FOLDER");
    if (!path || !wanted) return;
    snprintf(folder, sizeof folder, "%s", wanted);
    snprintf(marks, sizeof marks, "%s.marks", path);
    trace = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trace < 0) abort();
    const char *page = getenv("DISK_RECORDER_BAD_PAGE");
    if (page) bad_page = atoll(page);
    deep = getenv("DISK_RECORDER_DEEP") != NULL;
    const char *after = getenv("DISK_RECORDER_KILL_AFTER");
    if (after) kill_after = atoi(after);
    unsetenv("LD_PRELOAD");
}

static void put(const void *data, size_t size) {
    const char *at = data;
    while (size) {
        long written = syscall(SYS_write, trace, at, size);
        if (written <= 0) abort();
        at += written;
        size -= (size_t)written;
    }
}

static void record(uint32_t operation, int descriptor, int64_t offset, const char *name,
                   const void *data, size_t size) {
    struct event event = {operation, descriptor, offset, name ? (uint32_t)strlen(name) : 0,
                          (uint32_t)size, 0};
    int before = errno;
    pthread_mutex_lock(&mutex);
    put(&event, sizeof event);
    if (name) put(name, event.name_bytes);
    if (size) put(data, size);
    if (kill_after && !--kill_after) raise(SIGKILL);
    pthread_mutex_unlock(&mutex);
    errno = before;
}

/* The name of a file in the folder, NULL when it lies elsewhere. */
static const char *name_of(const char *path) {
    size_t length = strlen(folder);
    if (trace < 0 || !length || !path || strncmp(path, folder, length) || path[length] != '/')
        return NULL;
    return !deep && strchr(path + length + 1, '/') ? NULL : path + length + 1;
}

static int kind_of(int descriptor) {
    return trace >= 0 && descriptor >= 0 && descriptor < MOST_FILES ? what[descriptor] : OTHER;
}

static int opened(int descriptor, const char *path, int was_there, int flags) {
    if (descriptor < 0 || descriptor >= MOST_FILES || trace < 0) return descriptor;
    const char *name = name_of(path);
    what[descriptor] = OTHER;
    if (path && !strcmp(path, folder)) {
        what[descriptor] = THE_FOLDER;
    } else if (name && (flags & O_DIRECTORY)) {
        what[descriptor] = THE_FOLDER;
        folder_name[descriptor] = strdup(name);
    } else if (path && !strcmp(path, marks)) {
        what[descriptor] = THE_MARKS;
    } else if (name) {
        what[descriptor] = FILE_OF_FOLDER;
        const char *ending = strrchr(name, '.');
        is_log[descriptor] = ending && !strcmp(ending, ".log");
        record(was_there ? OPEN : CREATE, descriptor, 0, name, NULL, 0);
        if (was_there && (flags & O_TRUNC)) record(TRUNCATE, descriptor, 0, NULL, NULL, 0);
    }
    return descriptor;
}

#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        int was_there = access(path, F_OK) == 0; \
        return opened(real(path, flags, mode), path, was_there, flags); \
    }
OPENS(open)
OPENS(open64)

int close(int descriptor) {
    REAL(close);
    if (kind_of(descriptor) == FILE_OF_FOLDER) record(CLOSE, descriptor, 0, NULL, NULL, 0);
    if (descriptor >= 0 && descriptor < MOST_FILES) {
        what[descriptor] = OTHER;
        free(folder_name[descriptor]);
        folder_name[descriptor] = NULL;
    }
    return real(descriptor);
}

static ssize_t wrote(int descriptor, const void *data, ssize_t written, int64_t offset) {
    if (written > 0 && kind_of(descriptor) == FILE_OF_FOLDER)
        record(WRITE, descriptor, offset, NULL, data, (size_t)written);
    return written;
}

ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    REAL(pwrite);
    return wrote(descriptor, data, real(descriptor, data, size, offset), offset);
}

ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset) {
    REAL(pwrite64);
    return wrote(descriptor, data, real(descriptor, data, size, offset), offset);
}

ssize_t write(int descriptor, const void *data, size_t size) {
    REAL(write);
    int kind = kind_of(descriptor);
    int64_t offset = kind == FILE_OF_FOLDER ? lseek(descriptor, 0, SEEK_CUR) : 0;
    if (kind == THE_MARKS) record(MARK, descriptor, 0, NULL, data, size);
    return wrote(descriptor, data, real(descriptor, data, size), offset);
}

/* How many bytes can be read, -1 for none: a bad page ends them. */
static ssize_t readable(int descriptor, size_t size, int64_t offset) {
    int64_t end = offset + (int64_t)size;
    if (bad_page < 0 || kind_of(descriptor) != FILE_OF_FOLDER || !is_log[descriptor] ||
        end <= bad_page || offset >= bad_page + PAGE_BYTES)
        return (ssize_t)size;
    return offset < bad_page ? (ssize_t)(bad_page - offset) : -1;
}

ssize_t pread(int descriptor, void *data, size_t size, off_t offset) {
    REAL(pread);
    ssize_t most = readable(descriptor, size, offset);
    if (most >= 0) return real(descriptor, data, (size_t)most, offset);
    errno = EIO;
    return -1;
}

ssize_t pread64(int descriptor, void *data, size_t size, off64_t offset) {
    REAL(pread64);
    ssize_t most = readable(descriptor, size, offset);
    if (most >= 0) return real(descriptor, data, (size_t)most, offset);
    errno = EIO;
    return -1;
}

static int changed(int result, uint32_t operation, int descriptor, int64_t offset) {
    if (result == 0 && kind_of(descriptor) == FILE_OF_FOLDER)
        record(operation, descriptor, offset, NULL, NULL, 0);
    return result;
}

int ftruncate(int descriptor, off_t size) {
    REAL(ftruncate);
    return changed(real(descriptor, size), TRUNCATE, descriptor, size);
}

int ftruncate64(int descriptor, off64_t size) {
    REAL(ftruncate64);
    return changed(real(descriptor, size), TRUNCATE, descriptor, size);
}

int posix_fallocate(int descriptor, off_t offset, off_t size) {
    REAL(posix_fallocate);
    return changed(real(descriptor, offset, size), ALLOCATE, descriptor, offset + size);
}

int posix_fallocate64(int descriptor, off64_t offset, off64_t size) {
    REAL(posix_fallocate64);
    return changed(real(descriptor, offset, size), ALLOCATE, descriptor, offset + size);
}

int fallocate(int descriptor, int mode, off_t offset, off_t size) {
    REAL(fallocate);
    return changed(real(descriptor, mode, offset, size), ALLOCATE, descriptor, offset + size);
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t size) {
    REAL(fallocate64);
    return changed(real(descriptor, mode, offset, size), ALLOCATE, descriptor, offset + size);
}

static int synced(int result, int descriptor) {
    int kind = kind_of(descriptor);
    if (result == 0 && kind == FILE_OF_FOLDER) record(SYNC, descriptor, 0, NULL, NULL, 0);
    if (result == 0 && kind == THE_FOLDER)
        record(SYNC_FOLDER, descriptor, 0, folder_name[descriptor], NULL, 0);
    return result;
}

int fsync(int descriptor) {
    REAL(fsync);
    return synced(real(descriptor), descriptor);
}

int fdatasync(int descriptor) {
    REAL(fdatasync);
    return synced(real(descriptor), descriptor);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    int result = real(from, to);
    const char *old = name_of(from), *new = name_of(to);
    if (result == 0 && old && new) record(RENAME, 0, 0, old, new, strlen(new));
    return result;
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    int result = real(path, mode);
    const char *name = name_of(path);
    if (result == 0 && name) record(FOLDER, 0, 0, name, NULL, 0);
    return result;
}

int unlink(const char *path) {
    REAL(unlink);
    int result = real(path);
    const char *name = name_of(path);
    if (result == 0 && name) record(UNLINK, 0, 0, name, NULL, 0);
    return result;
}
