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

// amqp_basic_publish cuts a body into frames of the length that the library accepts. This function takes the length that the broker accepts,
// which is shorter.
static inline int bos_amqp_basic_publish_in_frames(amqp_connection_state_t state, amqp_channel_t channel,
                                                   const amqp_basic_publish_t *method, const amqp_basic_properties_t *properties,
                                                   amqp_bytes_t body, size_t longest_fragment) {
    int status = amqp_send_method(state, channel, AMQP_BASIC_PUBLISH_METHOD, (void *)method);
    if (status < 0) return status;
    amqp_frame_t header = {.frame_type = AMQP_FRAME_HEADER, .channel = channel};
    header.payload.properties.class_id = AMQP_BASIC_CLASS;
    header.payload.properties.body_size = body.len;
    header.payload.properties.decoded = (void *)properties;
    status = amqp_send_frame(state, &header);
    for (size_t sent = 0; status >= 0 && sent < body.len;) {
        size_t left = body.len - sent;
        amqp_frame_t fragment = {.frame_type = AMQP_FRAME_BODY, .channel = channel};
        fragment.payload.body_fragment.len = left < longest_fragment ? left : longest_fragment;
        fragment.payload.body_fragment.bytes = (char *)body.bytes + sent;
        sent += fragment.payload.body_fragment.len;
        status = amqp_send_frame(state, &fragment);
    }
    return status;
}

#endif
