#ifndef BOS_CRABBITMQ_SHIM_H
#define BOS_CRABBITMQ_SHIM_H

#include <sys/time.h>

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

// amqp_login_with_properties takes its credentials as variadic arguments, which Swift cannot pass.
static inline amqp_rpc_reply_t bos_amqp_login_plain(amqp_connection_state_t state, const char *vhost, int channel_max, int frame_max,
                                                    int heartbeat, const amqp_table_t *properties, const char *user,
                                                    const char *password) {
    return amqp_login_with_properties(state, vhost, channel_max, frame_max, heartbeat, properties, AMQP_SASL_METHOD_PLAIN, user,
                                      password);
}

#endif
