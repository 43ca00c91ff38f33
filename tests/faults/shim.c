/* A disk that fails on command, a journal of everything that is done to it, and a clock that jumps.
 *
 * Loaded into the server with LD_PRELOAD, this stands between it and the C library for the calls by
 * which files change. It acts on paths below $FAULTS_ROOT only, and is steered by files, so that a
 * test can change its mind while the server runs:
 *
 *   $FAULTS_JOURNAL  gets every change that succeeded, in the true order, with all that is needed to
 *                    do it again; every sync; every answer that went out; every fault that was made.
 *   $FAULTS_RULES    says what goes wrong: lines "KINDS PATH FIRST LAST ACTION ERRNO". KINDS are
 *                    letters of the kinds below; PATH is a part of the path, "*" for any; from the
 *                    FIRST to the LAST such operation since the file changed the ACTION happens:
 *                    fail (with ERRNO), late (the same after a while, as a dying disk does), short (a
 *                    write leaves half its bytes, then fails), abort, kill.
 *   $FAULTS_CLOCK    has the seconds by which the clock of the day is wrong. Time that only ever goes
 *                    on (CLOCK_MONOTONIC) stays right.
 *
 * All of its own work is done by system calls, so that it never meets itself. The journal's format is
 * read by tests/src/journal.rs. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Kinds of operations, in rules and in the journal. */
enum {
    OPEN = 'O',        /* any open; in rules only */
    CREATE = 'C',      /* an open that makes a file */
    WRITE = 'W',
    TRUNCATE = 'T',
    SYNC = 'S',        /* fsync and fdatasync of a file: by inode, for that is what is synced */
    SYNC_FOLDER = 'F',
    SYNC_ALL = 'A',    /* syncfs: whatever was done before, to any file */
    SYNC_RANGE = 'G',  /* in rules only: it is no barrier, so it changes nothing that survives */
    RENAME = 'R',
    UNLINK = 'U',
    MAKE_FOLDER = 'D',
    REMOVE_FOLDER = 'X',
    SAID = 'M',        /* an answer, which nobody may take back */
    FAULT = '!',       /* a rule was followed */
    UNKNOWN = '?',     /* a change that the journal has no words for: whoever replays it must give up */
};

enum { GO_ON = 0, FAIL = 1, SHORT = 2 };

#define MOST_RULES 16
/* An answer's head and the first of its body: enough for its URIs and its state. */
#define MOST_SAID 4096

struct rule {
    char kinds[16], path[256], action[16];
    long first, last, seen;
    int error;
};

/* Held over an operation and its line in the journal, or their order would not be the true one. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int journal = -1;
static const char *rules_path, *clock_path;
static struct rule rules[MOST_RULES];
static int rule_count;

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("FAULTS_ROOT"), *journal_path = getenv("FAULTS_JOURNAL");
    rules_path = getenv("FAULTS_RULES");
    clock_path = getenv("FAULTS_CLOCK");
    if (journal_path)
        journal = syscall(SYS_openat, AT_FDCWD, journal_path,
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (folder) {
        snprintf(root, sizeof root, "%s", folder);
        root_length = strlen(root);
    }
}

/* Reads a small file whole; gives its length, 0 if there is none. */
static size_t read_small(const char *path, char *text, size_t room)
{
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    ssize_t length = fd < 0 ? 0 : syscall(SYS_read, fd, text, room - 1);
    if (fd >= 0)
        syscall(SYS_close, fd);
    text[length > 0 ? length : 0] = 0;
    return length > 0 ? length : 0;
}

static int below_root(const char *path)
{
    return root_length && !strncmp(path, root, root_length) && path[root_length] == '/';
}

/* Whether an open file is one of ours, and its path: the present one, after any rename. */
static int path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int error = errno;
    ssize_t length = root_length ? syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1) : -1;
    errno = error;
    path[length > 0 ? length : 0] = 0;
    /* The folder itself is opened only to be synced. */
    return below_root(path) || (length > 0 && !strcmp(path, root));
}

/* The same for a name that is given with a folder, as openat(2) has it. */
static int path_at(int folder, const char *name, char path[PATH_MAX])
{
    char base[PATH_MAX] = "";
    if (name[0] != '/') {
        char link[64] = "/proc/self/cwd";
        if (folder != AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1);
        base[length > 0 ? length : 0] = 0;
    }
    int length = snprintf(path, PATH_MAX, "%s%s%s", base, *base ? "/" : "", name);
    return length < PATH_MAX && (below_root(path) || !strcmp(path, root));
}

static uint64_t inode_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) ? 0 : status.st_ino;
}

/* Appends to the journal: kind, inode, offset, three lengths, two paths below the root, bytes. */
static void record(char kind, uint64_t inode, uint64_t offset, const char *path, const char *target,
                   const struct iovec *pieces, int count, size_t size)
{
    if (journal < 0)
        return;
    path = path && below_root(path) ? path + root_length + 1 : "";
    target = target && below_root(target) ? target + root_length + 1 : "";
    struct __attribute__((packed)) {
        char kind;
        uint64_t inode, offset;
        uint32_t path, target, size;
    } head = {kind, inode, offset, strlen(path), strlen(target), size};
    size_t length = sizeof head + head.path + head.target + size, at = 0;
    char *line = malloc(length);
    if (!line)
        abort();
#define ADD(from, bytes) (memcpy(line + at, from, bytes), at += (bytes))
    ADD(&head, sizeof head);
    ADD(path, head.path);
    ADD(target, head.target);
    for (int i = 0; i < count && size; i++) {
        size_t part = pieces[i].iov_len < size ? pieces[i].iov_len : size;
        ADD(pieces[i].iov_base, part);
        size -= part;
    }
    /* A journal with a hole in it would prove nothing. */
    if (syscall(SYS_write, journal, line, length) != (long)length)
        abort();
    free(line);
}

static void look_at_rules(void)
{
    static char known[4096];
    char text[sizeof known];
    if (!rules_path)
        return;
    read_small(rules_path, text, sizeof text);
    if (!strcmp(text, known))
        return;
    strcpy(known, text);
    rule_count = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) && rule_count < MOST_RULES) {
        struct rule *rule = &rules[rule_count];
        rule->seen = 0;
        rule_count += sscanf(line, "%15s %255s %ld %ld %15s %d", rule->kinds, rule->path, &rule->first,
                             &rule->last, rule->action, &rule->error) == 6;
    }
}

/* What shall happen to an operation that is about to be done. Every rule counts it. */
static int decide(char kind, const char *path)
{
    struct rule *followed = NULL;
    look_at_rules();
    for (int i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (!strchr(rule->kinds, kind) || (strcmp(rule->path, "*") && !strstr(path, rule->path)))
            continue;
        rule->seen++;
        if (!followed && rule->seen >= rule->first && rule->seen <= rule->last)
            followed = rule;
    }
    if (!followed)
        return GO_ON;
    struct iovec what = {&kind, 1};
    record(FAULT, 0, 0, path, NULL, &what, 1, 1);
    if (!strcmp(followed->action, "abort"))
        abort();
    if (!strcmp(followed->action, "kill"))
        kill(getpid(), SIGKILL);
    if (!strcmp(followed->action, "late"))
        syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = 200000000}, NULL);
    errno = followed->error;
    return strcmp(followed->action, "short") ? FAIL : SHORT;
}

static int open_any(int folder, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat status;
    if (!path_at(folder, name, path))
        return syscall(SYS_openat, folder, name, flags, mode);
    pthread_mutex_lock(&lock);
    int creates = (flags & O_CREAT) && fstatat(AT_FDCWD, path, &status, 0), fd = -1;
    if (!decide(OPEN, path) && (!creates || !decide(CREATE, path))) {
        fd = syscall(SYS_openat, folder, name, flags, mode);
        if (fd >= 0 && (flags & O_TMPFILE) == O_TMPFILE)
            record(UNKNOWN, 0, 0, path, NULL, NULL, 0, 0);
        else if (fd >= 0 && creates)
            record(CREATE, inode_of(fd), 0, path, NULL, NULL, 0, 0);
        else if (fd >= 0 && (flags & O_TRUNC))
            record(TRUNCATE, inode_of(fd), 0, path, NULL, NULL, 0, 0);
    }
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define OPENER(name, ...)                                                                                \
    {                                                                                                    \
        va_list more;                                                                                    \
        va_start(more, flags);                                                                           \
        mode_t mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;  \
        va_end(more);                                                                                    \
        return open_any(__VA_ARGS__, name, flags, mode);                                                 \
    }
int open(const char *name, int flags, ...) OPENER(name, AT_FDCWD)
int open64(const char *name, int flags, ...) OPENER(name, AT_FDCWD)
int openat(int folder, const char *name, int flags, ...) OPENER(name, folder)
int openat64(int folder, const char *name, int flags, ...) OPENER(name, folder)
int creat(const char *name, mode_t mode)
{
    return open_any(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Whether these bytes are the beginning of an answer. */
static int is_answer(const struct iovec *pieces, int count)
{
    return count > 0 && pieces[0].iov_len > 12 && !memcmp(pieces[0].iov_base, "HTTP/1.1 ", 9);
}

/* Every way to write. `offset` is -1 where the file's own position counts, `socket_flags` where it is
 * no socket's call. */
static ssize_t write_any(int fd, const struct iovec *pieces, int count, off_t offset, int socket_flags)
{
    char path[PATH_MAX];
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = count};
    int ours = path_of(fd, path), said = !ours && is_answer(pieces, count) && journal >= 0;
#define DO_WRITE(from, number)                                                                  \
    (socket_flags >= 0 ? syscall(SYS_sendmsg, fd, &message, socket_flags)                       \
     : offset >= 0     ? syscall(SYS_pwritev, fd, from, number, (long)offset, 0L)               \
                       : syscall(SYS_writev, fd, from, number))
    if (!ours && !said)
        return DO_WRITE(pieces, count);
    pthread_mutex_lock(&lock);
    ssize_t written = -1;
    int error = 0;
    if (said) {
        written = DO_WRITE(pieces, count);
        error = errno;
        if (written > 0)
            record(SAID, 0, 0, NULL, NULL, pieces, count, written < MOST_SAID ? written : MOST_SAID);
    } else {
        int decision = decide(WRITE, path);
        error = errno;
        off_t at = offset >= 0                         ? offset
                   : fcntl(fd, F_GETFL) & O_APPEND     ? lseek(fd, 0, SEEK_END)
                                                       : lseek(fd, 0, SEEK_CUR);
        if (decision == GO_ON) {
            written = DO_WRITE(pieces, count);
            error = errno;
        } else if (decision == SHORT && count > 0) {
            struct iovec half = {pieces[0].iov_base, (pieces[0].iov_len + 1) / 2};
            written = DO_WRITE(&half, 1);
        }
        if (written > 0)
            record(WRITE, inode_of(fd), at, path, NULL, pieces, count, written);
        if (decision != GO_ON)
            written = -1;
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

#define ONE(offset, flags)                                    \
    {                                                         \
        struct iovec piece = {(void *)bytes, size};           \
        return write_any(fd, &piece, 1, offset, flags);       \
    }
ssize_t write(int fd, const void *bytes, size_t size) ONE(-1, -1)
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) ONE(at, -1)
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) ONE(at, -1)
ssize_t send(int fd, const void *bytes, size_t size, int flags) ONE(-1, flags)

#define MANY(offset) { return write_any(fd, pieces, count, offset, -1); }
ssize_t writev(int fd, const struct iovec *pieces, int count) MANY(-1)
ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) MANY(at)
ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at) MANY(at)

/* One call that is about one or two names: decided, done and recorded under the lock. */
#define CHANGE(kind, path, target, call, inode)                                   \
    {                                                                             \
        pthread_mutex_lock(&lock);                                                \
        int result = decide(kind, path) ? -1 : (int)(call), error = errno;        \
        if (!result)                                                              \
            record(kind, inode, 0, path, target, NULL, 0, 0);                     \
        pthread_mutex_unlock(&lock);                                              \
        errno = error;                                                            \
        return result;                                                            \
    }

static int sync_any(long number, int fd)
{
    char path[PATH_MAX];
    struct stat status;
    if (!path_of(fd, path))
        return syscall(number, fd);
    char kind = !fstat(fd, &status) && S_ISDIR(status.st_mode) ? SYNC_FOLDER : SYNC;
    CHANGE(kind, path, NULL, syscall(number, fd), inode_of(fd))
}
int fsync(int fd) { return sync_any(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_any(SYS_fdatasync, fd); }

int syncfs(int fd)
{
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return syscall(SYS_syncfs, fd);
    /* Not under the lock, which would hold up everything for as long as it takes: what is done meanwhile
     * may be synced and may be not, so the line stands where it began. */
    pthread_mutex_lock(&lock);
    int refused = decide(SYNC_ALL, path), error = errno;
    if (!refused)
        record(SYNC_ALL, 0, 0, path, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return refused ? -1 : syscall(SYS_syncfs, fd);
}

int sync_file_range(int fd, off64_t from, off64_t bytes, unsigned flags)
{
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    int refused = path_of(fd, path) && decide(SYNC_RANGE, path), error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return refused ? -1 : syscall(SYS_sync_file_range, fd, from, bytes, flags);
}

int renameat2(int from, const char *name, int to, const char *target, unsigned flags)
{
    char path[PATH_MAX], new_path[PATH_MAX];
    int ours = path_at(from, name, path);
    if (!(path_at(to, target, new_path) || ours))
        return syscall(SYS_renameat2, from, name, to, target, flags);
    CHANGE(RENAME, path, new_path, syscall(SYS_renameat2, from, name, to, target, flags), 0)
}
int renameat(int from, const char *name, int to, const char *target)
{
    return renameat2(from, name, to, target, 0);
}
int rename(const char *name, const char *target)
{
    return renameat2(AT_FDCWD, name, AT_FDCWD, target, 0);
}

int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    if (!path_at(folder, name, path))
        return syscall(SYS_unlinkat, folder, name, flags);
    char kind = flags & AT_REMOVEDIR ? REMOVE_FOLDER : UNLINK;
    CHANGE(kind, path, NULL, syscall(SYS_unlinkat, folder, name, flags), 0)
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    if (!path_at(folder, name, path))
        return syscall(SYS_mkdirat, folder, name, mode);
    CHANGE(MAKE_FOLDER, path, NULL, syscall(SYS_mkdirat, folder, name, mode), 0)
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];
    if (!path_of(fd, path))
        return syscall(SYS_ftruncate, fd, size);
    pthread_mutex_lock(&lock);
    int result = decide(TRUNCATE, path) ? -1 : (int)syscall(SYS_ftruncate, fd, size), error = errno;
    if (!result)
        record(TRUNCATE, inode_of(fd), size, path, NULL, NULL, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

/* Nothing in the server does these today. Should that change, replaying fails and says why. */
#define STRANGE(fd, call)                                      \
    {                                                          \
        char path[PATH_MAX];                                   \
        if (path_of(fd, path))                                 \
            record(UNKNOWN, 0, 0, path, NULL, NULL, 0, 0);     \
        return call;                                           \
    }
#define FALLOCATE(mode) syscall(SYS_fallocate, fd, mode, from, size)
int fallocate(int fd, int mode, off_t from, off_t size) STRANGE(fd, FALLOCATE(mode))
int fallocate64(int fd, int mode, off64_t from, off64_t size) STRANGE(fd, FALLOCATE(mode))
int posix_fallocate(int fd, off_t from, off_t size) STRANGE(fd, FALLOCATE(0) ? errno : 0)
int posix_fallocate64(int fd, off64_t from, off64_t size) STRANGE(fd, FALLOCATE(0) ? errno : 0)
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t size, unsigned flags)
    STRANGE(out, syscall(SYS_copy_file_range, in, from, out, to, size, flags))
int linkat(int from, const char *name, int to, const char *target, int flags)
{
    char path[PATH_MAX];
    if (path_at(to, target, path))
        record(UNKNOWN, 0, 0, path, NULL, NULL, 0, 0);
    return syscall(SYS_linkat, from, name, to, target, flags);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = syscall(SYS_clock_gettime, clock, now);
    char text[32];
    if (!result && clock_path && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int error = errno;
        if (read_small(clock_path, text, sizeof text))
            now->tv_sec += atoll(text);
        errno = error;
    }
    return result;
}
