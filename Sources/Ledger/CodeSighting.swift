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
    /// BOS's words without numbers that could be a subscriber's, and no longer than ``maximumMessage`` characters.
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

    /// Of four digits in a row, or more, only the last three are shown.
    private static func masked(_ message: String) -> String {
        var result = ""
        var digits = ""
        func shown() -> String { digits.count < 4 ? digits : "…" + digits.suffix(3) }
        for character in message {
            if character.isWholeNumber {
                digits.append(character)
            } else {
                result += shown()
                result.append(character)
                digits = ""
            }
        }
        result += shown()
        return result.count > maximumMessage ? result.prefix(maximumMessage - 1) + "…" : result
    }
}
