package import JobModel

/// One answer of BOS, to be counted for people: which codes BOS uses, and what they turned out to mean.
package struct CodeSighting: Sendable, Equatable {
    /// Which call BOS has answered. The raw value is stored.
    package enum Endpoint: String, Sendable, CaseIterable {
        case recharge
        case enquiry
        case panStatus = "pan_status"
    }

    /// What answers are counted by.
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
    /// BOS's words without any digit, and no longer than ``maximumMessage`` characters.
    package let message: String
    /// `nil`: this answer was heard now. Else: what became in the end of a recharge that had been answered so.
    package var afterwards: Outcome?

    package static let maximumMessage = 120

    /// - Parameter message: as BOS wrote it; it is masked and cut here.
    package init(_ name: Name, message: String, afterwards: Outcome? = nil) {
        self.name = name
        self.message = Self.masked(message)
        self.afterwards = afterwards
    }

    /// - Parameter answer: what BOS said to a call of that endpoint.
    package init(_ endpoint: Endpoint, _ answer: Answer, afterwards: Outcome? = nil) {
        let name = Name(endpoint, httpStatus: answer.httpStatus, responseCode: answer.responseCode, status: answer.status)
        self.init(name, message: answer.message, afterwards: afterwards)
    }

    /// Without a digit of any number: a subscriber's can be written with letters, spaces or hyphens.
    private static func masked(_ message: String) -> String {
        var result = ""
        for character in message {
            if !character.isWholeNumber { result.append(character) } else if result.last != "…" { result.append("…") }
        }
        return result.count > maximumMessage ? result.prefix(maximumMessage - 1) + "…" : result
    }
}
