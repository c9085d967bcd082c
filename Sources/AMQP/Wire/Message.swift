/// A message: bytes and what is said about them.
package struct Message: Sendable, Equatable {
    package var body: [UInt8]
    package var properties: Properties

    package init(body: [UInt8], properties: Properties = Properties()) {
        self.body = body
        self.properties = properties
    }
}
