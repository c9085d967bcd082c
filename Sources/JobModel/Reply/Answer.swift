/// The part of an answer of BOS that goes into a reply, with every digit as BOS sent it.
package struct Answer: Sendable, Equatable {
    package var httpStatus: Int
    package var responseCode: Int?
    package var status: Bool?
    package var message: String
    /// `operatorid` in BOS's answer.
    package var operatorID: String?
    /// `ackno` in BOS's answer.
    package var acknowledgement: String?

    package init(
        httpStatus: Int, responseCode: Int? = nil, status: Bool? = nil, message: String = "", operatorID: String? = nil,
        acknowledgement: String? = nil
    ) {
        self.httpStatus = httpStatus
        self.responseCode = responseCode
        self.status = status
        self.message = message
        self.operatorID = operatorID
        self.acknowledgement = acknowledgement
    }

    /// Whether the answer names the recharge by a number that the customer can use.
    var hasNumber: Bool { operatorID != nil || acknowledgement != nil }
}
