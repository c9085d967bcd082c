/// What BOS said, as far as it goes into a reply; every digit as it was sent.
package struct Answer: Sendable, Equatable {
    package var httpStatus: Int
    package var responseCode: Int?
    package var status: Bool?
    package var message: String
    package var operatorID: String?
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
}
