// What Linux offers to threads and their memory, and Swift's Glibc module leaves out.
#ifndef BOS_CLINUX_SHIM_H
#define BOS_CLINUX_SHIM_H

#include <malloc.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

static inline int bos_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

// prctl is variadic, which Swift cannot call. Names the calling thread; the kernel keeps 15 bytes.
static inline void bos_name_thread(const char *name) { (void)prctl(PR_SET_NAME, name, 0, 0, 0); }

// Keeps so many freed bytes of each thread's heap instead of giving them back to the system, and taking them anew, at every job.
static inline void bos_keep_freed_memory(int bytes) { (void)mallopt(M_TRIM_THRESHOLD, bytes); }

#endif
