// What Linux offers, and Swift cannot call or finds in several modules at once.
#ifndef BOS_CLINUX_SHIM_H
#define BOS_CLINUX_SHIM_H

#include <malloc.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static inline int bos_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// prctl is variadic, which Swift cannot call. Names the calling thread; the kernel keeps 15 bytes.
static inline void bos_name_thread(const char *name) { (void)prctl(PR_SET_NAME, name, 0, 0, 0); }

// Keeps so many freed bytes of each thread's heap instead of giving them back to the system, and taking them anew, at every job.
static inline void bos_keep_freed_memory(int bytes) { (void)mallopt(M_TRIM_THRESHOLD, bytes); }

// Which file a descriptor is of: its device and its number there.
static inline bool bos_file_identity(int descriptor, unsigned long long *device, unsigned long long *inode) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return false;
    *device = status.st_dev;
    *inode = status.st_ino;
    return true;
}

#endif
