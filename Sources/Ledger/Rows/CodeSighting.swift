package import JobModel

/// One answer of BOS. Sightings are counted, so that operators learn which codes BOS uses and what the codes mean.
package struct CodeSighting: Sendable, Equatable {
    /// The call that BOS has answered. The raw value is stored.
    package enum Endpoint: String, Sendable, CaseIterable {
        case recharge
        case enquiry
        case panStatus = "pan_status"
    }

    /// Answers with the same name are counted together.
    package struct Name: Sendable, Hashable {
        package var endpoint: Endpoint
        package var httpStatus: Int
        package var responseCode: Int?
        package var status: Bool?

        package init(_ endpoint: Endpoint, httpStatus: Int, responseCode: Int? = nil, status: Bool? = nil) {
            self.endpoint = endpoint
            self.httpStatus = httpStatus
            self.responseCode = responseCode
            self.status = status
        }
    }

    package var name: Name
    /// BOS's message without digits, with at most ``maximumMessage`` characters.
    package let message: String
    /// `nil`: BOS has given this answer now. Otherwise: the outcome of a recharge to which BOS had given this answer earlier.
    package var afterwards: Outcome?

    /// In characters.
    package static let maximumMessage = 120

    /// - Parameter message: as BOS wrote it; this initialiser masks and shortens it.
    package init(_ name: Name, message: String, afterwards: Outcome? = nil) {
        self.name = name
        self.message = Self.masked(message)
        self.afterwards = afterwards
    }

    /// - Parameter answer: BOS's answer to a call of that endpoint.
    package init(_ endpoint: Endpoint, answer: Answer, afterwards: Outcome? = nil) {
        let name = Name(endpoint, httpStatus: answer.httpStatus, responseCode: answer.responseCode, status: answer.status)
        self.init(name, message: answer.message, afterwards: afterwards)
    }

    /// Replaces each run of digits by an ellipsis. A subscriber's number may contain letters, spaces or hyphens, so that a pattern of whole numbers
    /// would miss some.
    private static func masked(_ message: String) -> String {
        var result = ""
        for character in message {
            if !character.isWholeNumber { result.append(character) } else if result.last != "…" { result.append("…") }
        }
        return result.count > maximumMessage ? result.prefix(maximumMessage - 1) + "…" : result
    }
}
