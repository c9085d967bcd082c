// The settings of the SQLite library that are made through a variadic function, which Swift cannot call.
#ifndef BOS_CSQLITE_SHIM_H
#define BOS_CSQLITE_SHIM_H

// Not the library's own header: it belongs to the module that the statements are run through, and two modules must not both own it.
extern int sqlite3_config(int option, ...);

enum { BOS_SQLITE_CONFIG_MEMSTATUS = 9 };

// For the whole process, before its first connection; later it has no effect. No code asks how much memory SQLite has taken, and keeping
// count of it takes a lock for every allocation.
static inline void bos_sqlite_count_no_memory(void) { (void)sqlite3_config(BOS_SQLITE_CONFIG_MEMSTATUS, 0); }

#endif
