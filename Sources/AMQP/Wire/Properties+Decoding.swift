internal import CRabbitMQ

extension Properties {
    init(_ source: amqp_basic_properties_t) {
        let flags = source._flags
        var unreadable: [String: [UInt8]] = [:]
        func text(_ flag: Int32, _ bytes: amqp_bytes_t, _ name: String) -> String? {
            guard flags & UInt32(flag) != 0 else { return nil }
            let text = String(validating: bytes)
            if text == nil { unreadable[name] = [UInt8](bytes) }
            return text
        }
        contentType = text(AMQP_BASIC_CONTENT_TYPE_FLAG, source.content_type, "content_type")
        contentEncoding = text(AMQP_BASIC_CONTENT_ENCODING_FLAG, source.content_encoding, "content_encoding")
        correlationID = text(AMQP_BASIC_CORRELATION_ID_FLAG, source.correlation_id, "correlation_id")
        replyTo = text(AMQP_BASIC_REPLY_TO_FLAG, source.reply_to, "reply_to")
        expiration = text(AMQP_BASIC_EXPIRATION_FLAG, source.expiration, "expiration")
        messageID = text(AMQP_BASIC_MESSAGE_ID_FLAG, source.message_id, "message_id")
        type = text(AMQP_BASIC_TYPE_FLAG, source.type, "type")
        userID = text(AMQP_BASIC_USER_ID_FLAG, source.user_id, "user_id")
        appID = text(AMQP_BASIC_APP_ID_FLAG, source.app_id, "app_id")
        self.unreadable = unreadable
        // Without the property, and with any number but 2, RabbitMQ treats a message as transient.
        let isPersistent = flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 && source.delivery_mode == DeliveryMode.persistent.rawValue
        deliveryMode = isPersistent ? .persistent : .transient
        if flags & UInt32(AMQP_BASIC_PRIORITY_FLAG) != 0 { priority = source.priority }
        if flags & UInt32(AMQP_BASIC_TIMESTAMP_FLAG) != 0 { timestamp = source.timestamp }
        if flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 { headers = FieldValue.table(source.headers, depth: 0) }
    }
}
