internal import CRabbitMQ

/// A message that is arriving: a method frame, then a header frame, then as many body frames as the announced size needs.
struct Content {
    enum Origin {
        case delivery(tag: UInt64, isRedelivered: Bool)
        case returned(code: UInt16, text: String)
    }

    let origin: Origin
    let exchange: String
    let routingKey: String
    private(set) var announcedSize: UInt64 = 0
    private(set) var isTruncated = false
    private(set) var message = Message(body: [])
    private var missing: UInt64 = 0
    private var hasHeader = false

    init(origin: Origin, exchange: amqp_bytes_t, routingKey: amqp_bytes_t) {
        self.origin = origin
        self.exchange = String(exchange)
        self.routingKey = String(routingKey)
    }

    var isComplete: Bool { hasHeader && missing == 0 }

    /// The memory that a large message has reserved.
    private(set) var reservation: SizeBudget.Reservation?

    /// Takes the header frame.
    ///
    /// Nothing is allocated for a body that is too large or does not fit into the budget; its frames are counted and dropped. Headers
    /// larger than an ordinary message are dropped too if they do not fit.
    mutating func takeHeader(
        classID: UInt16, bodySize: UInt64, properties: UnsafeRawPointer?, propertiesSize: Int, configuration: AMQPConfiguration,
        budget: SizeBudget
    ) throws(SessionError) {
        guard !hasHeader, classID == UInt16(AMQP_BASIC_CLASS), let properties else {
            throw .protocolViolation("an unexpected header frame")
        }
        hasHeader = true
        var decoded = properties.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
        announcedSize = bodySize
        missing = bodySize
        isTruncated = bodySize > UInt64(configuration.maximumBodySize)
        let size = (isTruncated ? 0 : Int(bodySize)) + propertiesSize
        if size > configuration.ordinarySize {
            reservation = budget.reserve(size)
            isTruncated = isTruncated || reservation == nil
        }
        if propertiesSize > configuration.ordinarySize, reservation == nil {
            announcedSize += UInt64(propertiesSize)
            decoded._flags &= ~UInt32(AMQP_BASIC_HEADERS_FLAG)
        }
        message.properties = Properties(decoded)
        if !isTruncated { message.body.reserveCapacity(Int(bodySize)) }
    }

    mutating func takeBody(_ fragment: amqp_bytes_t) throws(SessionError) {
        guard hasHeader, UInt64(fragment.len) <= missing else { throw .protocolViolation("a body larger than announced") }
        missing -= UInt64(fragment.len)
        if !isTruncated { message.body.append(contentsOf: UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len)) }
    }
}
