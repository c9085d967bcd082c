#ifndef BOS_CSYSTEMD_SHIM_H
#define BOS_CSYSTEMD_SHIM_H

#include <systemd/sd-daemon.h>

#endif
